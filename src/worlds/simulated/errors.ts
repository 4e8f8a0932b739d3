/**
 * The error with which a run ends when something in it breaks, and how an input is put into words.
 */
import type { PeerName, Time } from '../../actors/actor.ts';
import { digestValue } from './digest.ts';

/** A run that broke: an actor threw, or the world found itself broken while acting for one. */
export class WorldError extends Error {
  readonly actor: PeerName | null;
  readonly input: unknown;
  readonly time: Time;
  readonly event: number;
  readonly seed: string;

  constructor(actor: PeerName | null, input: unknown, time: Time, event: number, seed: string, cause: unknown) {
    const who = actor === null ? 'the world' : `actor ${actor}`;
    const what = input === null ? '' : `, given ${describe(input)}`;
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${who} failed at ${time} us, event ${event}, seed ${seed}${what}: ${why}`, { cause });
    this.name = 'WorldError';
    this.actor = actor;
    this.input = input;
    this.time = time;
    this.event = event;
    this.seed = seed;
  }
}

/** An input in a line of bounded length. */
export function describe(input: unknown): string {
  const text = JSON.stringify(input, (_key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (value instanceof Uint8Array) return `${value.length} bytes, fingerprint ${digestValue(value) >>> 0}`;
    if (value instanceof Map) return [...value];
    if (value instanceof Set) return [...value];
    return value;
  });
  const line = text ?? String(input);
  return line.length <= 500 ? line : `${line.slice(0, 500)}... (${line.length} characters)`;
}
