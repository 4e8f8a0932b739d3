/**
 * As much of a browser as the status page touches. The types of a whole browser would make its global names (`name`,
 * `event`, `status`, `length`) known in every file of this project, and a forgotten variable would no longer be found.
 */

export interface PageElement {
  textContent: string | null;
  className: string;
  hidden: boolean;
  title: string;
  readonly dataset: Record<string, string | undefined>;
  readonly style: { setProperty(name: string, value: string): void };
  readonly classList: { toggle(name: string, force: boolean): void; add(name: string): void };
  readonly children: { readonly length: number };
  readonly lastElementChild: PageElement | null;
  setAttribute(name: string, value: string): void;
  append(...nodes: (PageElement | string)[]): void;
  prepend(...nodes: (PageElement | string)[]): void;
  replaceChildren(...nodes: (PageElement | string)[]): void;
  remove(): void;
}

export interface PageDocument {
  title: string;
  readonly hidden: boolean;
  getElementById(id: string): PageElement | null;
  createElement(tag: string): PageElement;
  createElementNS(namespace: string, tag: string): PageElement;
  addEventListener(type: string, listener: () => void): void;
}

export interface PageSocket {
  readonly readyState: number;
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  close(): void;
}

export interface PageWindow {
  readonly document: PageDocument;
  readonly location: { readonly protocol: string; readonly host: string };
  readonly WebSocket: new (url: string) => PageSocket;
  readonly fetch: (url: string) => Promise<{ readonly ok: boolean; readonly status: number; json(): Promise<unknown> }>;
  setTimeout(callback: () => void, ms: number): number;
  setInterval(callback: () => void, ms: number): number;
  clearTimeout(timer: number): void;
}
