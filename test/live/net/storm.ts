/**
 * A storm: kills of random participants at random moments, also of who has just come back or is on its way. Whom it
 * strikes and when follows from a seed; what the struck one was doing at that moment does not.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { randomStream } from '../../../src/worlds/live/random.ts';
import type { LiveNet } from './live-net.ts';

/** Between two kills: most of the time long enough to come back, sometimes right away. Milliseconds. */
const LONG_MS = { from: 500, to: 2_200 };
const SHORT_MS = { from: 0, to: 400 };
const SHORT_SHARE = 0.2;
/** How often it strikes who was started last. */
const AGAIN_SHARE = 0.25;
/** How often the chain gets the time to make a block before the next kill, and how much of it at the most. */
const BLOCK_SHARE = 0.6;
const BLOCK_MS = 4_000;
/** For how long a participant stays away at the most. */
const AWAY_MS = 700;

export interface Kill {
  readonly at_ms: number;
  readonly name: string;
  /** `starting`: it did not take part yet. */
  readonly state: 'running' | 'starting';
}

export interface StormOptions {
  readonly seed: string;
  readonly kills: number;
}

/** Waits for a block, but not for ever: a network of which too few are there makes none. */
async function blockAfter(net: LiveNet, count: number): Promise<void> {
  const end = performance.now() + BLOCK_MS;
  while (net.blocks.length <= count && performance.now() < end) await pause(50);
}

/** Strikes until all kills are done and everybody has been told to come back. */
export async function storm(net: LiveNet, { seed, kills }: StormOptions): Promise<Kill[]> {
  const random = randomStream(seed, 'storm');
  const between = ({ from, to }: { from: number; to: number }): number => from + random.uniform() * (to - from);
  const began = performance.now();
  const done: Kill[] = [];
  const away = new Set<string>();
  const returns: Promise<void>[] = [];
  let last: string | null = null;
  while (done.length < kills) {
    const { length } = net.blocks;
    await pause(between(random.uniform() < SHORT_SHARE ? SHORT_MS : LONG_MS));
    if (random.uniform() < BLOCK_SHARE) await blockAfter(net, length);
    net.check();
    const there = net.names.filter(name => !away.has(name));
    const again = random.uniform() < AGAIN_SHARE;
    const drawn = there[Math.floor(random.uniform() * there.length)];
    const name: string | undefined = again && last !== null && !away.has(last) ? last : drawn;
    const away_ms = random.uniform() * AWAY_MS;
    if (name === undefined) continue;
    const state = net.takesPart(name) ? 'running' : 'starting';
    net.battlefield.kill(name);
    done.push({ at_ms: Math.round(performance.now() - began), name, state });
    away.add(name);
    returns.push(
      pause(away_ms).then(() => {
        away.delete(name);
        last = name;
        net.battlefield.revive(name);
      }),
    );
  }
  await Promise.all(returns);
  return done;
}
