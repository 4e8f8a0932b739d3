/**
 * Who is told all that an actor is given and all that it does, in order, so that it can be had again. Whatever is handed
 * over belongs to somebody else: a recorder that keeps it makes its own copy, at once.
 */
import type { Input, PeerName, Time } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';

/** What an incarnation began with. */
export interface RecordingHead {
  readonly name: PeerName;
  readonly incarnation: number;
  /** What its entropy came from. */
  readonly seed: string;
  /** What its secrets came from: entropy that no setting decides about. */
  readonly secret: string;
}

/** How an incarnation ended. `cut`: it went on, and what it did from here on was not recorded. */
export interface RecordingEnd {
  readonly how: 'closed' | 'halted' | 'failed' | 'cut';
  readonly reason: string;
}

export interface Recorder<Message, Request> {
  /** An incarnation begins; told once, before everything else. */
  begin(head: RecordingHead): void;
  /** The actor is about to be handed its input number `index`, counted from 0. */
  input(index: number, now: Time, input: Input<Message, Request>): void;
  /** The actor called its effect number `index`, counted from 0, whether or not it has happened yet. */
  effect(index: number, effect: Effect<Message>): void;
  /** The actor let something be seen beside its effects, such as a block that it has executed. Plain data. */
  shown(value: unknown): void;
  /** The incarnation is over; told at most once, and nothing comes after it. */
  end(end: RecordingEnd): void;
  close(): Promise<void>;
}
