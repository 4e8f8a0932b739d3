/**
 * What a participant is made from, and how it ends.
 */
import type { Actor, PeerName, RandomStream, Time } from '../../actors/actor.ts';
import type { Clock, Scheduler } from './clock.ts';
import type { Program } from './performer.ts';
import type { ContainerEvents, Containers, MessageCodec, Storage, Transport, TransportEvents } from './ports.ts';
import type { Recorder } from './recorder.ts';

/** What a participant hands to its actor when that is made. */
export interface ParticipantPorts {
  /** A stream of this incarnation's own, keyed by what it is for. */
  random(purpose: string): RandomStream;
  /** The same for what nobody may foresee: no seed of a configuration decides about it. */
  secret(purpose: string): RandomStream;
  /** Notes what the actor lets be seen beside its effects, within its turn: plain data, recorded and compared like them. */
  show(value: unknown): void;
}

export interface ParticipantOptions<Message, Request> {
  readonly name: PeerName;
  /** Makes the actor. */
  readonly start: (ports: ParticipantPorts) => Actor<Message, Request>;
  readonly codec: MessageCodec<Message>;
  readonly clock: Clock;
  /** Default: this process's event loop. */
  readonly scheduler?: Scheduler;
  /** Opened, and not begun; from now on the participant's, which closes it. */
  readonly storage: Storage;
  readonly transport: (events: TransportEvents) => Promise<Transport>;
  /** For a provider. */
  readonly containers?: (events: ContainerEvents) => Promise<Containers>;
  /** What the actor may `ask`, by name. */
  readonly programs?: { readonly [name: string]: Program };
  readonly recorder?: Recorder<Message, Request>;
  readonly observe?: (metric: string, value: number, label: string | null, now: Time) => void;
  /** Told of trouble that is not the actor's, in a line each. */
  readonly log: (line: string) => void;
  /** Where the actor's entropy comes from. Default: a fresh one. */
  readonly seed?: string;
}

/** How a participant ended. `failed`: the actor threw, or its world found itself broken. */
export type Ended =
  | { readonly how: 'halted'; readonly reason: string }
  | { readonly how: 'failed'; readonly reason: string; readonly error: unknown }
  | { readonly how: 'closed' };
