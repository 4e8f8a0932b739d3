/** The page on which a config.yaml is written: a comment above each field, the value in the words that its reader takes. */
import { stringify } from 'yaml';
import { wrap } from '../../report/format.ts';
import type { Words } from './config-words.ts';

const WIDTH = 100;

/** A configuration as it is being written. */
export class Page {
  #text = '';

  /** A comment of its own, followed by an empty line. */
  heading(text: string): this {
    this.#text += `${comment(text)}\n\n`;
    return this;
  }

  field(key: string, value: Words, about: string): this {
    this.#text += `${comment(about)}\n${line(key, value)}\n`;
    return this;
  }

  /** A field that is left out, with a value that it might have. */
  absent(key: string, value: Words, about: string): this {
    this.#text += `${comment(about)}\n# ${line(key, value)}\n`;
    return this;
  }

  gap(): this {
    this.#text += '\n';
    return this;
  }

  get text(): string {
    return `${this.#text.trimEnd()}\n`;
  }
}

function comment(text: string): string {
  return text
    .split('\n')
    .map(one => wrap(`# ${one}`, WIDTH, '# ').trimEnd())
    .join('\n');
}

function line(key: string, value: Words): string {
  const written = stringify(value, { collectionStyle: 'flow', lineWidth: 0, version: '1.2' }).trimEnd();
  return `${key}: ${written.replace(/\s*\n\s*/g, ' ')}`;
}
