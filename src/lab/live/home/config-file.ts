/**
 * Reads the config.yaml of a home: every error at once, each with its line and column, as with scenarios. And the page
 * on which one is written: a comment above each field, the value in the words that the reader takes.
 */
import { stringify } from 'yaml';
import { wrap } from '../../report/format.ts';
import { flatten, isRecord } from '../../scenario/fields.ts';
import { dotted, formatError, InvalidScenario, type ScenarioError, type Step } from '../../scenario/problem.ts';
import { applyOverride } from '../../scenario/set.ts';
import { decode, find, locate, locateKey, MAX_FILE_BYTES, parseTree, plain, type Tree } from '../../scenario/tree.ts';
import { show } from '../../scenario/units.ts';
import { CONFIG_SCHEMAS } from './config-schema.ts';
import type { ConfigOf } from './config-types.ts';
import type { Words } from './config-words.ts';
import { readLimited, UnusableHome } from './files.ts';
import type { Role } from './folder.ts';

/**
 * Reads a configuration.
 * @throws UnusableHome when there is none; InvalidScenario with everything that is wrong with it
 */
export function readConfig<R extends Role>(role: R, path: string): ConfigOf<R> {
  return parseConfig(role, path, readLimited(path, MAX_FILE_BYTES, `the configuration of a ${role}`));
}

/**
 * Reads the text of a configuration.
 * @param path how it is called in errors
 * @throws InvalidScenario
 */
export function parseConfig<R extends Role>(role: R, path: string, text: Uint8Array | string): ConfigOf<R> {
  return readTree(role, path, parseTree(path, decode(path, text)));
}

/**
 * A configuration with some of its values replaced.
 * @param text a configuration
 * @param overrides `path=value`, as `--set` has them
 * @throws InvalidScenario
 */
export function overridden<R extends Role>(role: R, text: string, overrides: readonly string[]): ConfigOf<R> {
  const tree = overrides.reduce(applyOverride, parseTree('config.yaml', text));
  return readTree(role, 'config.yaml', tree);
}

function readTree<R extends Role>(role: R, path: string, tree: Tree): ConfigOf<R> {
  const data = plain(tree);
  refuseRole(role, path, data);
  const result = CONFIG_SCHEMAS[role].safeParse(data);
  if (result.success) return result.data as ConfigOf<R>;
  const errors = flatten(result.error.issues).map(({ path: at, expected, found, atKey }): ScenarioError => {
    const place = atKey ? locateKey(tree, at) : locate(tree, at);
    return { ...place, path: dotted(at), found: found ?? shown(tree, at), expected };
  });
  const seen = new Set<string>();
  throw new InvalidScenario(
    errors
      .filter(error => !seen.has(formatError(error)) && seen.add(formatError(error)))
      .sort((a, b) => a.line - b.line || a.column - b.column),
  );
}

/** The home of somebody else has nearly every field wrong; one error says why. */
function refuseRole(role: Role, path: string, data: unknown): void {
  const found = isRecord(data) ? data.role : undefined;
  if (typeof found !== 'string' || found === role || !Object.hasOwn(CONFIG_SCHEMAS, found)) return;
  throw new UnusableHome(`${path}: found the home of a ${found}, expected that of a ${role}`);
}

function shown(tree: Tree, path: readonly Step[]): string {
  const at = find(tree, path);
  return show(at === null ? undefined : plain(at));
}

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
