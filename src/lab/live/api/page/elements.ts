/** Elements of the status page. Whatever they are given is text: nothing here ever reads markup. */
import type { PageElement, PageWindow } from './dom.ts';
import { shortened } from './phrases.ts';

export type Child = PageElement | string;

export const page = globalThis as unknown as PageWindow;
export const { document } = page;

export function at(id: string): PageElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

export function make(tag: string, className: string, ...children: Child[]): PageElement {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
}

/** A bar as long as its share of 1; the number stands beside it, since a length alone says nothing to some. */
export function bar(share: number): PageElement {
  const fill = make('i', '');
  fill.style.setProperty('width', `${Math.round(1_000 * Math.max(0, Math.min(1, share))) / 10}%`);
  const outer = make('span', 'bar', fill);
  outer.setAttribute('aria-hidden', 'true');
  return outer;
}

export function meter(share: number, figure: string): PageElement {
  return make('span', 'meter', bar(share), make('span', 'figure', figure));
}

export function badge(kind: string, sign: string, text: string): PageElement {
  const shape = make('span', '', sign);
  shape.setAttribute('aria-hidden', 'true');
  return make('span', `badge ${kind}`.trim(), shape, text);
}

/** A row whose first cell names it. On a narrow screen each cell says its heading itself. */
export function row(cells: readonly (readonly [head: string, content: Child, className?: string])[]): PageElement {
  return make(
    'tr',
    '',
    ...cells.map(([head, content, className = ''], i) => {
      const cell = make(i === 0 ? 'th' : 'td', className, make('div', '', content));
      if (i === 0) cell.setAttribute('scope', 'row');
      cell.dataset.head = head;
      return cell;
    }),
  );
}

/** Shows rows in a table, or entries in a list, where `columns` is 0; where there are none, says so. */
export function fill(id: string, rows: readonly PageElement[], columns: number, nothing: string): void {
  let shown = rows;
  if (rows.length === 0 && columns === 0) shown = [make('li', 'empty', nothing)];
  else if (rows.length === 0) {
    const cell = make('td', 'empty', nothing);
    cell.setAttribute('colspan', String(columns));
    shown = [make('tr', '', cell)];
  }
  at(id).replaceChildren(...shown);
}

/** Somebody by name where the node knows one, and by address otherwise; the whole address is in the title. */
export function who(address: string, name: string | null): PageElement {
  const element = make('span', name === null ? 'who mono' : 'who', name ?? shortened(address));
  element.title = address;
  return element;
}
