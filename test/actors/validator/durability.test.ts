/**
 * Point 16 of the twenty: durable before visible. The effects of validators in a network, kills and cuts included, are
 * written down in order, and of every message that carries an own signature it is shown that the log had the statement,
 * and then the record forbade any other, each synced, before it was sent. A block is told of when its store is synced.
 */
import { describe, expect, test } from 'vitest';
import type { Actor, ConnectionId, Effects, Input, Time } from '../../../src/actors/actor.ts';
import { blockKey } from '../../../src/actors/validator/block-store.ts';
import type { Node } from '../../../src/actors/validator/node.ts';
import { SIGNER_KEY, Signer } from '../../../src/actors/validator/signer.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { NO_ROUND, type Proposal, type Vote, valueIdOf } from '../../../src/protocol/consensus/types.ts';
import { keysOf, type NetOptions, ValidatorNet } from '../../support/validator-net.ts';

const SECOND = 1_000_000;
const OTHER = 'f'.repeat(64);
/** Of the scheme that the network uses. */
const SIGNATURE_BYTES = keyedHashScheme.sign(keysOf('anybody'), new Uint8Array()).length;

/** Checks the order of one node's effects over all its lives; knows only what was synced. */
class Auditor {
  readonly problems: string[] = [];
  /** Messages with own signatures that were looked at. */
  audited = 0;
  readonly #address: string;
  readonly #name: string;
  /** Log entries in hex, and the signer's record, as of the last barrier and behind it. */
  #loggedBefore = '';
  #unsynced: (() => void)[] = [];
  #record: Uint8Array | null = null;
  readonly #blocks = new Set<string>();

  constructor(name: string, address: string) {
    this.#name = name;
    this.#address = address;
  }

  /** A new life: what was not synced may be gone. */
  restart(): void {
    this.#unsynced = [];
  }

  append(entry: Uint8Array): void {
    this.#unsynced.push(() => (this.#loggedBefore += `/${valueIdOf(entry)}`));
  }

  /** The log of finished heights is not needed any more. */
  truncate(): void {
    this.#unsynced.push(() => (this.#loggedBefore = ''));
  }

  put(key: string, value: Uint8Array): void {
    if (key === SIGNER_KEY) {
      this.#checkRecord(value);
      this.#unsynced.push(() => (this.#record = value.slice()));
    } else if (key.startsWith('block/')) this.#unsynced.push(() => this.#blocks.add(key));
  }

  sync(): void {
    for (const one of this.#unsynced) one();
    this.#unsynced = [];
  }

  send(message: Wire): void {
    if (message.type === 'votes') for (const vote of message.votes) this.#checkVote(vote);
    else if (message.type === 'proposal') this.#checkProposal(message.proposal);
    else if ((message.type === 'ahead' || message.type === 'hello') && message.height > 0) {
      if (!this.#blocks.has(blockKey(message.height)))
        this.problems.push(`it tells of block ${message.height}, which is not durable`);
    }
  }

  /** Were the record durable before the log, a crash between the two would bind the validator to what nobody knows. */
  #checkRecord(record: Uint8Array): void {
    const signer = this.#signerWith(record);
    const next = { height: this.#blocks.size + 1, round: 0, polRound: NO_ROUND, value: OTHER, parts: 1 };
    // Of a height that is stored nothing is logged any more: it is over.
    if (signer.signProposal({ ...next, partsRoot: new Uint8Array(32) }) !== null) return;
    // Signatures are the last field of a statement.
    const signature = valueIdOf(record.subarray(record.length - SIGNATURE_BYTES));
    if (!this.#loggedBefore.includes(signature)) this.problems.push('a record is written before its log is durable');
  }

  #signerWith(record: Uint8Array | null): Signer {
    const signer = new Signer(this.#address, 'net', keysOf(this.#name), keyedHashScheme);
    if (record !== null) signer.restore(record);
    return signer;
  }

  #checkVote(vote: Vote): void {
    if (vote.validator !== this.#address) return;
    const { kind, height, round, value } = vote;
    this.#check(vote, kind, signer =>
      signer.signVote({ kind, height, round, value: value === null ? OTHER : null, time: 1 }),
    );
  }

  #checkProposal(proposal: Proposal): void {
    if (proposal.proposer !== this.#address) return;
    const { height, round, polRound, parts, partsRoot } = proposal;
    this.#check(proposal, 'proposal', signer =>
      signer.signProposal({ height, round, polRound, parts, partsRoot, value: OTHER }),
    );
  }

  #check({ height, round, signature }: Vote | Proposal, step: string, contradict: (signer: Signer) => unknown): void {
    this.audited += 1;
    const what = `${this.#name}'s ${step} of ${height}/${round}`;
    if (contradict(this.#signerWith(this.#record)) !== null)
      this.problems.push(`${what}: the durable record allows another`);
    if (this.#blocks.has(blockKey(height))) return;
    if (!this.#loggedBefore.includes(valueIdOf(signature))) this.problems.push(`${what}: it is not in the durable log`);
  }
}

function audited(node: Node, auditor: Auditor): Actor<Wire> {
  const watch: Partial<Record<keyof Effects<Wire>, (...args: never[]) => void>> = {
    append: (entry: Uint8Array) => auditor.append(entry),
    truncateLog: () => auditor.truncate(),
    put: (key: string, value: Uint8Array) => auditor.put(key, value),
    sync: () => auditor.sync(),
    send: (_to: ConnectionId, message: Wire) => auditor.send(message),
  };
  return {
    receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
      const watched = new Proxy(out, {
        get: (target, name: keyof Effects<Wire>) => {
          const effect = (target[name] as (...args: unknown[]) => void).bind(target);
          return (...args: never[]) => {
            watch[name]?.(...args);
            effect(...args);
          };
        },
      });
      node.receive(input, now, watched);
    },
  };
}

function audit(options: NetOptions, until = 40 * SECOND): { net: ValidatorNet; auditors: readonly Auditor[] } {
  const auditors: Auditor[] = [];
  const net: ValidatorNet = new ValidatorNet({
    ...options,
    wrap: (index, node) => {
      const auditor = (auditors[index] ??= new Auditor(`validator-${index}`, node.signer!.address));
      auditor.restart();
      return audited(node, auditor);
    },
  });
  net.run(until);
  return { net, auditors };
}

describe('[point 16] durable before visible, so that no crash takes back what was said', () => {
  const cut = (from: string, to: string, at: number) => ({ kind: 'cut' as const, from, to, at, for: 6 * SECOND });
  const cases: { readonly name: string; readonly options: NetOptions }[] = [
    { name: 'in a quiet network', options: { stakes: [10, 10, 10, 10], load: 3 } },
    { name: 'of two, each of whom waits for the other', options: { stakes: [10, 10] } },
    { name: 'where not everybody knows everybody', options: { stakes: [10, 7, 9, 11, 10], dials: i => [(i + 1) % 5] } },
    {
      name: 'while connections are cut, so that rounds fail and votes are asked for again',
      options: {
        stakes: [10, 10, 10, 10],
        faults: [cut('validator-0', 'validator-1', 5 * SECOND), cut('validator-2', 'validator-3', 7 * SECOND)],
      },
    },
    {
      name: 'with a disk that takes long',
      options: {
        stakes: [10, 10, 10, 10],
        faults: [{ kind: 'slowDisk', target: 'validator-1', at: SECOND, factor: 200, for: 20 * SECOND }],
      },
    },
    {
      name: 'through crashes',
      options: {
        stakes: [10, 10, 10, 10],
        load: 2,
        faults: [0, 1, 2, 3, 0, 1].map((i, k) => ({
          kind: 'crash' as const,
          target: `validator-${i}`,
          at: { actor: `validator-${i}`, effect: 'send' as const, nth: 20 + 13 * k },
          for: SECOND,
        })),
      },
    },
  ];

  test.each(cases)('$name', ({ options }) => {
    const { net, auditors } = audit(options);
    expect(Math.min(...net.heights)).toBeGreaterThan(10);
    for (const auditor of auditors) {
      expect(auditor.problems).toEqual([]);
      expect(auditor.audited).toBeGreaterThan(50);
    }
  });
});
