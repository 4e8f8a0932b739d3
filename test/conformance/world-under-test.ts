/**
 * What the conformance suite needs of a world. Each world brings an adapter; the programs and what they must see are the
 * same for all. Times are milliseconds of the world's own time; the suite asserts orders, not durations, wherever a
 * real machine could be late.
 */
import type { Actor, Effects, Input, PeerName, Time } from '../../src/actors/actor.ts';

export interface Note {
  readonly text: string;
  /** How many bytes the message is on the wire, where that matters. */
  readonly bytes?: number;
}

export type Seen = Input<Note, string>;
export type Out = Effects<Note>;

export interface TestWorldOptions {
  readonly seed: number;
  /** How long a sync takes. */
  readonly sync_ms?: number;
  /** Messages that one end of a connection may have waiting. */
  readonly queueMessages?: number;
  /** Bytes per second of every link; absent: as fast as it goes. */
  readonly bandwidth?: number;
  /** After how long a dead connection is given up. */
  readonly keepAlive_ms?: number;
  /** After how long an unanswered connect is refused. */
  readonly connectTimeout_ms?: number;
  /** Programs that actors may ask. */
  readonly programs?: { readonly [name: string]: (question: unknown) => unknown };
}

export interface TestWorld {
  /** Adds and starts an actor. `hosts`: container hosts of 1,000 milli-CPU and 1 GiB of everything else. */
  add(name: PeerName, start: () => Actor<Note, string>, options?: { readonly hosts?: number }): void;
  /** Lets the world go on for so long. Rejects when an actor broke it. */
  run(ms: number): Promise<void>;
  /** A client's request. */
  request(name: PeerName, request: string): void;
  readonly replies: { readonly actor: PeerName; readonly answer: unknown }[];
  readonly halts: { readonly actor: PeerName; readonly reason: string }[];
  readonly observations: { readonly actor: PeerName; readonly metric: string; readonly value: number }[];
  /** The process dies and its machine loses what was not synced. */
  crash(name: PeerName): void;
  restart(name: PeerName): void;
  pause(name: PeerName): void;
  resume(name: PeerName): void;
  cut(from: PeerName, to: PeerName): void;
  heal(from: PeerName, to: PeerName): void;
  /** The connections between two actors break; both sides are told. */
  breakConnections(from: PeerName, to: PeerName): void;
  failDisk(name: PeerName, on: boolean): void;
  /** A bit flips in each stored value, or in each log entry. */
  damage(name: PeerName, what: 'log' | 'store'): void;
  fillDisk(name: PeerName, on: boolean): void;
  crashWorkload(name: PeerName, id: string): void;
  hostDown(name: PeerName, host: number): void;
  hostUp(name: PeerName, host: number): void;
  close(): Promise<void>;
}

export interface WorldUnderTest {
  readonly name: string;
  /**
   * Whether at a crash each unsynced write to the store survives or not by itself, or all of them together. The contract
   * promises no more than the former.
   */
  readonly storeSurvives: 'each' | 'together';
  /** Whether tests run side by side: they do in a world whose time is real, where they mostly wait. */
  readonly concurrent: boolean;
  /** Whether hosts of a provider go away each by itself. Default: they do. */
  readonly hasHostsOfTheirOwn?: boolean;
  /** Whether it is not to be had here. */
  readonly isSkipped?: boolean;
  open(options: TestWorldOptions): Promise<TestWorld>;
}

/** One thing that an actor saw, with its own clock's time. */
export interface Sight {
  readonly at: Time;
  readonly input: Seen;
}

/** A start function whose actors note what they see, then react. */
export function recording(
  seen: Sight[],
  react: (input: Seen, out: Out, now: Time) => void = () => {},
): () => Actor<Note, string> {
  return () => ({
    receive(input, now, out) {
      seen.push({ at: now, input });
      react(input, out, now);
    },
  });
}

/** Kinds of what was seen, in order. */
export function kinds(seen: readonly Sight[]): string[] {
  return seen.map(sight => sight.input.kind);
}

/** What was seen of one kind. */
export function only<K extends Seen['kind']>(seen: readonly Sight[], kind: K): Extract<Seen, { readonly kind: K }>[] {
  return seen
    .map(sight => sight.input)
    .filter((input): input is Extract<Seen, { readonly kind: K }> => input.kind === kind);
}

/** Texts of the messages that were seen. */
export function texts(seen: readonly Sight[]): string[] {
  return only(seen, 'message').map(input => input.message.text);
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(value: Uint8Array | null): string | null {
  return value === null ? null : new TextDecoder().decode(value);
}
