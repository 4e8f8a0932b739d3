/**
 * Whether an attack on one node of a live network disturbs anything: blocks go on at their pace and with that node's
 * votes, its honest peers stay connected, its memory stays bounded, and an honest transaction that is offered to it is
 * in a block soon. And what it said of the attack in its log.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { LiveNet } from './live-net.ts';
import { type Account, freshAddress, offer, transfer } from './load.ts';

const LOOK_MS = 250;
/** An attack that takes less than this is watched for as long, so that there is a pace to measure. */
const LEAST_MS = 4_000;
/** After so long the attack is under way, and somebody honest comes. */
const UNDER_WAY_MS = 500;
/** Longest that an honest transaction may take into a block, and a vote into a commit. */
const SOON_MS = 10_000;
/** Longest that the node's API may take to answer on a busy machine. */
const ANSWER_MS = 15_000;
/** How far it may be behind for a moment: an answer tells of a moment ago. */
const MAX_BEHIND = 5;
/** By how much the node's memory may grow: what an engine lets lie before it collects is a good part of it. */
const MAX_GROWTH_BYTES = 512 * 1024 * 1024;

export interface Line {
  readonly level: string;
  readonly what: string;
  readonly [field: string]: unknown;
}

export interface Calm {
  /** What the node said from the beginning of the attack until a second after it, but for debugging. */
  readonly lines: readonly Line[];
  readonly blocks: number;
  readonly lasted_ms: number;
  /** From the offer of the honest transaction to the block with it. */
  readonly included_ms: number;
  readonly grown_bytes: number;
}

interface Status {
  readonly height: number;
  readonly peers: readonly { readonly name: string; readonly connected: boolean }[];
}

export interface Watched {
  readonly net: LiveNet;
  readonly victim: string;
  readonly payer: Account;
}

/** Looks at a node again and again, until it is told to stop. */
class Lookout {
  highest: number;
  /** Most blocks that it was behind the chain. */
  behind = 0;
  /** Looks at which an honest peer was not connected. */
  lonely = 0;
  readonly #watched: Watched;
  #isOver = false;
  readonly #looking: Promise<void>;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.highest = memoryOf(watched.net, watched.victim);
    this.#looking = this.#look();
    // Whoever ends this hears of it.
    this.#looking.catch(() => undefined);
  }

  /** Rejects when the node did not answer meanwhile. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { net, victim } = this.#watched;
    while (!this.#isOver) {
      this.highest = Math.max(this.highest, memoryOf(net, victim));
      const { peers, height } = await net.ask<Status>(victim, '/status', 'GET', undefined, ANSWER_MS);
      this.behind = Math.max(this.behind, net.chain.height - height);
      const honest = peers.filter(({ name }) => net.namesOf('node').includes(name));
      if (!honest.every(one => one.connected)) this.lonely++;
      await pause(LOOK_MS);
    }
  }
}

/** Attacks, and looks on. Throws when anything is disturbed. */
export async function calmUnder(watched: Watched, attack: () => Promise<void>): Promise<Calm> {
  const { net, victim, payer } = watched;
  const before = { lines: net.log(victim).length, blocks: net.blocks.length, memory: memoryOf(net, victim) };
  const began = performance.now();
  const lookout = new Lookout(watched);
  const attacking = attack();
  // Waited for below; until then its failure must not count as one that nobody hears of.
  attacking.catch(() => undefined);
  let included_ms: number;
  let lasted_ms: number;
  try {
    await pause(UNDER_WAY_MS);
    included_ms = await pay(net, victim, payer);
    await attacking;
    await pause(Math.max(0, began + LEAST_MS - performance.now()));
    lasted_ms = performance.now() - began;
  } finally {
    await attacking.catch(() => undefined);
    await lookout.end();
  }
  const blocks = net.blocks.length - before.blocks;
  // A vote that is late by a few milliseconds stands in no commit; one that votes at all stands in one soon.
  const validator = net.member(victim).address;
  const voted = (from: number): boolean =>
    net.blocks.slice(from).some(one => one.lastCommit?.signatures.some(each => each.validator === validator));
  await net.until(`${victim} has voted during the attack or after it`, SOON_MS, () => voted(before.blocks + 1));
  await pause(1_000);
  net.check();
  const grown_bytes = lookout.highest - before.memory;
  expect(lookout.lonely, 'times that an honest peer was not connected').toBe(0);
  expect(blocks, `blocks in ${lasted_ms} ms`).toBeGreaterThanOrEqual(Math.floor(lasted_ms / 2_000));
  expect(lookout.behind, 'blocks that the node was behind').toBeLessThanOrEqual(MAX_BEHIND);
  expect(grown_bytes, 'bytes of memory').toBeLessThan(MAX_GROWTH_BYTES);
  const lines = (net.log(victim) as unknown as Line[]).slice(before.lines).filter(one => one.level !== 'debug');
  return { lines, blocks, lasted_ms, included_ms, grown_bytes };
}

/** Offers a transfer to a node; resolves to the milliseconds until it is in a block. */
async function pay(net: LiveNet, node: string, payer: Account): Promise<number> {
  const nonce = net.chain.state.accounts.get(payer.address)?.nonce ?? 0;
  const began = performance.now();
  expect(await offer(net, node, transfer(net, payer, nonce, freshAddress(9), 1n))).toBe('admitted');
  const isIn = (): boolean => (net.chain.state.accounts.get(payer.address)?.nonce ?? 0) > nonce;
  await net.until('an honest transaction is in a block', SOON_MS, isIn);
  return performance.now() - began;
}

/** Bytes of memory that a participant's process has in use now. */
export function memoryOf(net: LiveNet, name: string): number {
  const pid = net.children.get(name)?.pid;
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (found === null) throw new Error(`found no memory of ${name}, expected VmRSS in its status`);
  return Number(found[1]) * 1024;
}
