/**
 * Nodes: what lasts under a participant's name while its processes come and go. Also the types that processes share
 * with the world.
 */
import type { Actor, PeerName, RandomStream } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import type { NodeClock } from './clock.ts';
import type { ContainerBackend } from './containers.ts';
import type { SimulatedDisk } from './disk.ts';
import type { Pipe } from './links.ts';
import type { EffectProbe } from './moments.ts';
import type { Network } from './network.ts';
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
/** On a slow processor: inputs wait for each other. */
export const SLOW = 3;

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
  /** What one input costs on a slow processor, before its slowness. */
  readonly input_us: number;
  /** How many times slower the processor is; 1 when no fault slows it, and then inputs cost nothing. */
  slowness: number;
  /** The factors of the faults that slow it, of which that is the product. */
  slowdowns: readonly number[];
  /** Faults that make it refuse connections. */
  refusals: number;
  /** Called around each effect; mostly nobody. */
  effectProbes: readonly EffectProbe[];
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
