/**
 * What a simulated world and its participants are made from.
 */
import type { Actor, PeerName, Time } from '../../actors/actor.ts';
import type { ClockModel } from './clock.ts';
import type { ContainerModel, HostSpec } from './containers.ts';
import type { DiskModel } from './disk.ts';
import type { Fault } from './faults.ts';
import type { Describe } from './moments.ts';
import type { NetworkModel } from './network.ts';
import type { Ports } from './node.ts';

/** An external program that actors may `ask`: gets the question and who asks; what it throws becomes the error. */
export type Program = (question: unknown, actor: PeerName) => unknown;

export interface WorldOptions<Message, Request = unknown> {
  readonly seed: string | number;
  readonly network?: NetworkModel;
  /** For every node that does not bring its own. */
  readonly disk?: DiskModel;
  /** For every node that does not bring its own. */
  readonly clock?: ClockModel;
  /** For every node that does not bring its own. */
  readonly containers?: ContainerModel;
  /** What one input costs a processor that a fault has slowed down, before its factor. Default 100 us. */
  readonly input_us?: number;
  /** Executed from the first `run` on. */
  readonly faults?: readonly Fault[];
  /** A cheap 32-bit fingerprint of a message, for the trace hash. Default: slow, of the whole value. */
  readonly digestOf?: (message: Message) => number;
  /** The same for a request. */
  readonly digestOfRequest?: (request: Request) => number;
  /** What a message is, for faults that wait for one. Called only while there are such. */
  readonly describe?: Describe<Message>;
  /** Bytes of a message on the wire; called only where bandwidth is finite. */
  readonly sizeOf?: (message: Message) => number;
  /** What actors may `ask`, by name. */
  readonly programs?: { readonly [name: string]: Program };
  /** How long an answer of theirs takes. Default 1 ms. */
  readonly ask_us?: number;
  /** `fixed`: events of one instant happen in the order of scheduling. `keyed`: in one that depends on the seed. */
  readonly ties?: 'fixed' | 'keyed';
  /** Freeze every message deeply as it is sent, so that an actor that changes one is found. Default: trust actors. */
  readonly freeze?: boolean;
  readonly onObserve?: (actor: PeerName, time: Time, metric: string, value: number, label: string | undefined) => void;
  /** The process of a participant is no more, for whatever reason. */
  readonly onEnd?: (actor: PeerName, time: Time) => void;
  readonly onHalt?: (actor: PeerName, time: Time, reason: string) => void;
  readonly onReply?: (actor: PeerName, id: number, answer: unknown, time: Time) => void;
  /** A request that will never be answered: the actor was down, or went down with it. */
  readonly onRequestFailed?: (actor: PeerName, id: number, reason: string, time: Time) => void;
}

export interface ActorOptions<Message, Request = unknown> {
  readonly name: PeerName;
  /** Default: the empty region. */
  readonly region?: string;
  /** Makes the actor; called at the start and again after every restart. */
  readonly start: (ports: Ports) => Actor<Message, Request>;
  /** When it starts first, in true time. Default: now. */
  readonly startAt?: Time;
  readonly disk?: DiskModel;
  readonly clock?: ClockModel;
  /** Default: the world's. */
  readonly input_us?: number;
  /** Container hosts, for a provider. */
  readonly hosts?: readonly HostSpec[];
  readonly containers?: ContainerModel;
  /** Bandwidth of the node's own uplink, shared by all it sends. Default: only the links limit. */
  readonly uplink_bytes_per_s?: number;
}

export interface RunOptions {
  /** Stop after so many events. */
  readonly maxEvents?: number;
  /** Called from outside of any actor after each 65,536 events, to tell how far the run has got. */
  readonly onSlice?: (now: Time) => void;
}
