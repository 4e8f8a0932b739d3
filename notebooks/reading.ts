/** What the analyses of this folder share: reading a results file, drawing a picture without a browser. */
import { parseHTML } from 'linkedom';

/** The records of a CSV file as results have it: fields may be quoted, quotes in them are doubled. */
export function csvRecords(text: string): Record<string, string>[] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A field and what ends it.
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    if (end === '' && row.length === 0 && (quoted ?? plain ?? '') === '') break;
    row.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  const [header = [], ...records] = rows;
  return records.map(fields => Object.fromEntries(header.map((name, i) => [name, fields[i] ?? ''])));
}

/** A cell that must be a number. */
export function numberOf(cell: string | undefined): number {
  const value = Number(cell === '' || cell === undefined ? Number.NaN : cell);
  if (Number.isNaN(value)) throw new Error(`found ${JSON.stringify(cell)}, expected a number`);
  return value;
}

/** The text of a figure as a file of its own. */
export function svgOf(draw: (document: Document) => SVGSVGElement | HTMLElement): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const element = draw(document as unknown as Document);
  element.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${element.outerHTML}\n`;
}
