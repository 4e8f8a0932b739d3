/**
 * Nodes: what lasts under a participant's name while its processes come and go. Also the types that processes share
 * with the world.
 */
import type { Actor, PeerName, RandomStream } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import type { NodeClock } from './clock.ts';
import type { ContainerBackend } from './containers.ts';
import type { SimulatedDisk } from './disk.ts';
import type { Network, Pipe } from './network.ts';
import type { Process } from './process.ts';
import type { Tunnels } from './tunnels.ts';

/** What a world hands to a participant when it starts. */
export interface Ports {
  /** A stream of this incarnation's own, keyed by what it is for. */
  random(purpose: string): RandomStream;
}

export const RUNNING = 0;
export const PAUSED = 1;
export const DEAD = 2;

export interface SimulatedNode<Message, Request> {
  readonly index: number;
  readonly name: PeerName;
  readonly region: string;
  readonly start: (ports: Ports) => Actor<Message, Request>;
  readonly clock: NodeClock;
  readonly disk: SimulatedDisk;
  readonly containers: ContainerBackend | null;
  /** The node's own uplink, shared by all its connections; null when only the links limit. */
  readonly uplink: Pipe | null;
  /** Channel for ties, from the name, so that it does not depend on who else is there. */
  readonly channel: number;
  process: Process<Message, Request> | null;
  /** Starts so far. */
  starts: number;
  /** The machine is off: not even refusals come back. */
  dark: boolean;
}

/** An event that was put off because its process was paused. */
export interface Deferred {
  readonly kind: number;
  readonly subject: unknown;
  readonly payload: unknown;
}

/** What a process needs of its world, beside the parts that it uses directly. */
export interface ProcessHost<Message, Request> {
  readonly agenda: Agenda;
  readonly network: Network<Message, Request>;
  readonly tunnels: Tunnels<Message, Request>;
  observed(process: Process<Message, Request>, metric: string, value: number, label: string | undefined): void;
  asked(process: Process<Message, Request>, id: string, program: string, question: unknown): void;
  replied(process: Process<Message, Request>, id: number, answer: unknown): void;
  halted(process: Process<Message, Request>, reason: string): void;
  admitted(message: Message): Message;
}
