/**
 * A witness of what validators say: every vote and proposal that any participant took in, written down before the
 * participant acts on it, so that no kill can lose it. What nobody took in, nobody has seen.
 *
 * Held against each other at the end, this is the strongest proof there is that nobody signed two things for one step:
 * it needs no two conflicting votes to meet at one node, as evidence does, and it covers all processes that ever ran.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Input } from '../../../src/actors/actor.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import type { SignatureScheme } from '../../../src/protocol/codec/signature.ts';
import { decode, encode, struct, tagged } from '../../../src/protocol/codec/struct.ts';
import {
  type Proposal,
  proposal,
  proposalSignBytes,
  type Vote,
  vote,
  voteSignBytes,
} from '../../../src/protocol/consensus/types.ts';
import type { Recorder } from '../../../src/worlds/live/recorder.ts';

export type Statement =
  | { readonly type: 'vote'; readonly statement: Vote }
  | { readonly type: 'proposal'; readonly statement: Proposal };

const statement = tagged('type', {
  vote: [1, struct({ statement: vote })],
  proposal: [2, struct({ statement: proposal })],
});

const FOLDER = 'witness';
/** Longest statement; what is longer was not written here. */
const MAX_BYTES = 4_096;

/** Writes down the statements that a participant takes in, in a file of this process. */
export class Witness implements Recorder<Wire, unknown> {
  readonly #file: number;

  constructor(home: string) {
    const folder = join(home, FOLDER);
    mkdirSync(folder, { recursive: true });
    this.#file = openSync(join(folder, `${process.pid}-${Date.now()}`), 'wx');
  }

  begin(): void {}

  input(_index: number, _now: number, input: Input<Wire, unknown>): void {
    if (input.kind !== 'message') return;
    const { message } = input;
    if (message.type === 'proposal') this.#write({ type: 'proposal', statement: message.proposal });
    else if (message.type === 'votes') for (const one of message.votes) this.#write({ type: 'vote', statement: one });
  }

  effect(): void {}

  shown(): void {}

  end(): void {}

  async close(): Promise<void> {
    closeSync(this.#file);
  }

  #write(one: Statement): void {
    const bytes = encode(statement, one as never);
    const entry = Buffer.alloc(4 + bytes.length);
    entry.writeUInt32LE(bytes.length);
    entry.set(bytes, 4);
    for (let at = 0; at < entry.length; ) at += writeSync(this.#file, entry, at);
  }
}

/** All that a participant took in, over all of its processes. A process that was killed may have left a torn end. */
export function* witnessed(home: string): Generator<Statement> {
  for (const name of readdirSync(join(home, FOLDER))) {
    const bytes = readFileSync(join(home, FOLDER, name));
    for (let at = 0; at + 4 <= bytes.length; ) {
      const length = bytes.readUInt32LE(at);
      if (length > MAX_BYTES) throw new Error(`${home}: found a statement of ${length} bytes in ${name}`);
      if (at + 4 + length > bytes.length) break;
      yield decode(statement, new Uint8Array(bytes.subarray(at + 4, at + 4 + length))) as Statement;
      at += 4 + length;
    }
  }
}

/** What validators said, by step: a second word for a step that was spoken for is a double signature. */
export class Statements {
  readonly conflicts: string[] = [];
  readonly #chainId: string;
  readonly #scheme: SignatureScheme;
  readonly #keys: ReadonlyMap<string, Uint8Array>;
  readonly #first = new Map<string, Statement>();
  readonly #latest = new Map<string, Statement>();

  /** @param keys consensus keys by validator */
  constructor(chainId: string, scheme: SignatureScheme, keys: ReadonlyMap<string, Uint8Array>) {
    this.#chainId = chainId;
    this.#scheme = scheme;
    this.#keys = keys;
  }

  /** Different statements so far. */
  get size(): number {
    return this.#first.size;
  }

  /** The last step that each validator is known to have spoken for. */
  get latest(): ReadonlyMap<string, Statement> {
    return this.#latest;
  }

  add(one: Statement): void {
    const who = one.type === 'vote' ? one.statement.validator : one.statement.proposer;
    const key = keyOf(who, one);
    const known = this.#first.get(key);
    if (known !== undefined && sameBytes(known, one)) return;
    if (!this.#holds(who, one)) {
      this.conflicts.push(`${key}: found a signature that does not hold`);
      return;
    }
    if (known !== undefined) {
      this.conflicts.push(`${key}: signed ${contentOf(known)} and ${contentOf(one)}`);
      return;
    }
    this.#first.set(key, one);
    const latest = this.#latest.get(who);
    if (latest === undefined || orderOf(one) > orderOf(latest)) this.#latest.set(who, one);
  }

  #holds(who: string, one: Statement): boolean {
    const key = this.#keys.get(who);
    if (key === undefined) return false;
    const bytes =
      one.type === 'vote'
        ? voteSignBytes(this.#chainId, one.statement)
        : proposalSignBytes(this.#chainId, one.statement);
    return this.#scheme.verify(key, bytes, one.statement.signature);
  }
}

function stepOf(one: Statement): 'proposal' | Vote['kind'] {
  return one.type === 'vote' ? one.statement.kind : 'proposal';
}

function keyOf(who: string, one: Statement): string {
  return `${who} ${one.statement.height}/${one.statement.round}/${stepOf(one)}`;
}

/** Steps of a validator in their order: height, then round (fewer than a thousand here), then step. */
function orderOf(one: Statement): number {
  const step = { proposal: 0, prevote: 1, precommit: 2 }[stepOf(one)];
  return (one.statement.height * 1_000 + one.statement.round) * 3 + step;
}

function contentOf({ statement: one }: Statement): string {
  const time = 'time' in one ? ` at ${one.time}` : '';
  return `${one.value}${time} (${Buffer.from(one.signature).toString('hex').slice(0, 16)})`;
}

/** The same word twice is the same bytes: whoever signs again after a start gives the signature that it gave before. */
function sameBytes(left: Statement, right: Statement): boolean {
  return Buffer.compare(encode(statement, left as never), encode(statement, right as never)) === 0;
}
