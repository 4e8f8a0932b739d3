/**
 * What a participant can ask of a world, and what a world can tell a participant.
 *
 * An actor is a state machine: it is handed one input at a time and answers by calling effects, in order. It has no
 * clock, no I/O, no promises and no randomness of its own. The simulated world puts the effects on its event queue;
 * the live world performs them with sockets, files and Docker. Everything in this file is a contract between the two,
 * and every sentence of it is a conformance test (test/conformance).
 *
 * The contract:
 *  - The effects of one actor are one FIFO. What follows a `sync` happens only once what precedes it is durable.
 *    Inputs keep arriving meanwhile; timers keep their absolute deadlines.
 *  - At a crash, effects behind an unreached barrier never happen; writes that were not synced may or may not survive: of
 *    the log a prefix of them, of the store each by itself, and never a part of one (what a crash tore is undone).
 *  - What was synced is found again as it was written, or found damaged, and never taken for something else: reading a
 *    damaged value fails (`storeFailed`) until it is overwritten; with a damaged log entry a start halts, naming it.
 *  - A write that fails (`storeFailed`) makes the next sync fail, and a failed sync halts the actor. A sync with nothing
 *    to write is reached at once.
 *  - `send` delivers at most once, and in order per connection. Queues are bounded; `queueFull` and `drained` tell.
 *    Over a connection that is closed, nothing is sent, silently: its end has been told or is about to be.
 *  - One side of a connection that breaks may be told long before the other, which goes on in good faith. So messages of
 *    a broken connection may arrive after those of a newer one between the same two, and a peer's transport may send
 *    them again over the newer one: at most once holds for each connection, not across them.
 *  - `now` is the participant's own clock, which may be off and drift. It does not fall within an incarnation, nor from
 *    one to the next, unless somebody steps it back. Timers are kept in it: a step forward fires at once those whose
 *    deadline it passed, a step back delays all of them; none fires before its deadline is shown.
 *  - No effect returns a value: answers come back later as inputs, never within the turn that asked.
 *  - Effects work during the actor's own turn only.
 *  - After a (re)start the actor first gets its log replayed (`logged`), then `recovered`, then other inputs. Connections,
 *    timers, tunnels and open requests do not outlast the process; log, store and workloads do.
 */

/** Microseconds since the world's epoch, as a non-negative safe integer. */
export type Time = number;

/** The name under which a participant is reachable, e.g. `validator-0`. */
export type PeerName = string;

/** A connection's number, unique within one actor's incarnation, given by the world. */
export type ConnectionId = number;

/** An actor's own name for a timer; setting one that is pending moves it. */
export type TimerId = string | number;

/** Largest message in bytes; bulk travels in chunks of at most this. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** A container workload, as a provider asks its backend to run it. All sizes are for one replica. */
export interface WorkloadSpec {
  /** The provider's own name for it: `lease/group/replica`. */
  readonly id: string;
  /** Which of the provider's hosts it was placed on. */
  readonly host: number;
  readonly image: string;
  /** milli-vCPU */
  readonly cpu: number;
  /** bytes */
  readonly memory: number;
  /** bytes */
  readonly disk: number;
  /** milli-GPU */
  readonly gpu: number;
  /** What runs in it, from the manifest; null where nobody said: the image with its own defaults, cut off from all. */
  readonly service: WorkloadService | null;
}

/** A replica of a service as its manifest describes it. */
export interface WorkloadService {
  /** The lease and group whose services share a private network; nothing outside of it is within their reach. */
  readonly network: string;
  /** The name by which its neighbours reach it, and which all of its replicas share. */
  readonly name: string;
  /** Replaces the image's entry point; empty: the image's own. */
  readonly command: readonly string[];
  /** Replaces the image's arguments; empty: the image's own. */
  readonly args: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
  /** What anybody outside may reach, through the provider. Neighbours reach every port. */
  readonly ports: readonly WorkloadPort[];
  readonly mounts: readonly WorkloadMount[];
  /** For the registry of a private image. */
  readonly credentials: WorkloadCredentials | null;
}

export interface WorkloadPort {
  readonly port: number;
  /** The port that its users expect; providers may have to give it another one. */
  readonly externalPort: number;
  readonly protocol: 'TCP' | 'UDP';
}

export interface WorkloadMount {
  readonly name: string;
  /** Absolute path inside the container. */
  readonly path: string;
  /** bytes */
  readonly size: number;
  readonly readOnly: boolean;
  /** Whether it outlasts the container; never the lease. */
  readonly persistent: boolean;
}

export interface WorkloadCredentials {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** Where a port of a running workload is reached from outside. */
export interface WorkloadAddress {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly host: string;
  readonly hostPort: number;
}

/** Something that happened to a workload. `lost`: its host went away. */
export type WorkloadEvent = 'started' | 'start-failed' | 'exited' | 'out-of-memory' | 'lost' | 'stopped';

export type Input<Message, Request = unknown> =
  | { readonly kind: 'logged'; readonly index: number; readonly entry: Uint8Array }
  /**
   * Always after a start, also the first, whose `incarnation` is 0. `workloads`: what the backend runs, or is still
   * starting, for this actor; what ended while it was down is told by its absence only.
   */
  | { readonly kind: 'recovered'; readonly incarnation: number; readonly workloads: readonly string[] }
  | { readonly kind: 'message'; readonly connection: ConnectionId; readonly from: PeerName; readonly message: Message }
  | {
      readonly kind: 'connected';
      readonly connection: ConnectionId;
      readonly peer: PeerName;
      readonly inbound: boolean;
    }
  | { readonly kind: 'refused'; readonly peer: PeerName; readonly reason: string }
  | {
      readonly kind: 'disconnected';
      readonly connection: ConnectionId;
      readonly peer: PeerName;
      readonly reason: string;
    }
  /** A message was dropped for want of room. Told once; the next is `drained`, when half of the room is free again. */
  | { readonly kind: 'queueFull'; readonly connection: ConnectionId; readonly peer: PeerName }
  | { readonly kind: 'drained'; readonly connection: ConnectionId; readonly peer: PeerName }
  | { readonly kind: 'timer'; readonly id: TimerId }
  | { readonly kind: 'synced'; readonly token: number }
  | { readonly kind: 'got'; readonly key: string; readonly value: Uint8Array | null }
  | { readonly kind: 'scanned'; readonly prefix: string; readonly entries: readonly (readonly [string, Uint8Array])[] }
  | { readonly kind: 'storeFailed'; readonly operation: string; readonly reason: string }
  | {
      readonly kind: 'workload';
      readonly id: string;
      readonly event: WorkloadEvent;
      readonly reason: string;
      /** With `started`, where the world has such: the way to its ports. */
      readonly addresses?: readonly WorkloadAddress[];
    }
  /** The newest lines of what a workload wrote, oldest first; null: there is no such workload, or nothing to be had. */
  | { readonly kind: 'workloadLog'; readonly id: string; readonly lines: readonly string[] | null }
  | { readonly kind: 'host'; readonly host: number; readonly up: boolean }
  | { readonly kind: 'tunnel'; readonly id: string; readonly open: boolean; readonly reason: string }
  | { readonly kind: 'answered'; readonly id: string; readonly answer: unknown; readonly error: string | null }
  /** A client of this participant's API (a user, a driver) wants something; answer with `reply`. */
  | { readonly kind: 'request'; readonly id: number; readonly request: Request };

export interface Effects<Message> {
  /** Opens a connection; ends in `connected` or `refused`. */
  connect(peer: PeerName): void;
  /** What was sent before still arrives, then the peer is `disconnected`. The caller hears no more of the connection. */
  disconnect(connection: ConnectionId): void;
  /** The message is passed on as it is and must never change again. One beyond MAX_MESSAGE_BYTES is an error. */
  send(connection: ConnectionId, message: Message): void;
  /** Fires a `timer` input at the absolute local time `at`, or at once when that has passed. */
  setTimer(id: TimerId, at: Time): void;
  cancelTimer(id: TimerId): void;
  /** Adds an entry to the log. Entries are numbered from 0; truncation does not renumber. */
  append(entry: Uint8Array): void;
  /** Drops the entries before `index`. */
  truncateLog(index: number): void;
  put(key: string, value: Uint8Array): void;
  delete(key: string): void;
  /** Ends in `got`. */
  get(key: string): void;
  /** Ends in `scanned`: all entries whose key starts with `prefix`, in byte order of keys. */
  scan(prefix: string): void;
  /** A barrier; with a token, `synced` tells when it is reached. */
  sync(token?: number): void;
  /** Ends in `workload`/`started` or `start-failed`. What runs already is left as it is, and `started` is told again. */
  startWorkload(spec: WorkloadSpec): void;
  /** Idempotent; ends in `workload`/`stopped`, also when there was nothing to stop. */
  stopWorkload(id: string): void;
  /** Ends in `workloadLog`, with at most so many lines. */
  readWorkloadLog(id: string, lines: number): void;
  /** Ends in `tunnel`. */
  openTunnel(id: string, peer: PeerName): void;
  /** Ends in `tunnel`, also when there was none. */
  closeTunnel(id: string): void;
  /** Asks an external program, such as a user's bidding script; ends in `answered`. */
  ask(id: string, program: string, question: unknown): void;
  /** Answers a `request`; only the first answer counts. */
  reply(id: number, answer: unknown): void;
  /** A metric or a story line: what a researcher may see of the inside of an actor. Never changes an outcome. */
  observe(metric: string, value: number, label?: string): void;
  /** Stops this actor for good (until a restart), with the reason in the run's record. */
  halt(reason: string): void;
}

export interface Actor<Message, Request = unknown> {
  /** Takes one input and runs to completion. */
  receive(input: Input<Message, Request>, now: Time, out: Effects<Message>): void;
}

/** Entropy that a world hands to an actor: a stream keyed by what it is for, so that streams never disturb each other. */
export interface RandomStream {
  /** Uniform in [0, 1), with at least 32 random bits. */
  uniform(): number;
}
