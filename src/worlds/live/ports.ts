/**
 * What the live world is put together from: transport, storage and containers each keep one part of the contract of
 * src/actors/actor.ts, and `participant.ts` puts an actor on top of them. Nothing here knows what messages mean.
 *
 * All callbacks come from the event loop, never within the call that caused them.
 */
import type { ConnectionId, PeerName, WorkloadAddress, WorkloadEvent, WorkloadSpec } from '../../actors/actor.ts';

/** Bytes of messages; `decode` throws on what no well-behaved peer sends, and the connection is then closed. */
export interface MessageCodec<Message> {
  encode(message: Message): Uint8Array;
  decode(bytes: Uint8Array): Message;
}

/** Where a peer listens, and whose key must answer there. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
  /** Account address of the peer's identity key. */
  readonly address: string;
}

export interface TransportEvents {
  connected(connection: ConnectionId, peer: PeerName, inbound: boolean): void;
  refused(peer: PeerName, reason: string): void;
  disconnected(connection: ConnectionId, peer: PeerName, reason: string): void;
  message(connection: ConnectionId, from: PeerName, bytes: Uint8Array): void;
  queueFull(connection: ConnectionId, peer: PeerName): void;
  drained(connection: ConnectionId, peer: PeerName): void;
  tunnel(id: string, open: boolean, reason: string): void;
}

/** Connections to peers, as the contract wants them: in order, at most once, bounded. */
export interface Transport {
  /** The port that it listens on; null when it only calls. */
  readonly port: number | null;
  connect(peer: PeerName): void;
  disconnect(connection: ConnectionId): void;
  /** Over a connection that is closed, nothing is sent, silently. */
  send(connection: ConnectionId, bytes: Uint8Array): void;
  openTunnel(id: string, peer: PeerName): void;
  closeTunnel(id: string): void;
  /** While a peer is shut out, connections with it are closed and new ones refused (a partition, made for real). */
  shutOut(peers: ReadonlySet<PeerName>): void;
  /**
   * While `on`, messages wait with those who sent them: nothing more is taken in, but for what is on its way to the
   * participant already.
   */
  hold(on: boolean): void;
  /** While `on`, nothing is read of one connection, which is not open any more or again: then nothing happens. */
  holdConnection(connection: ConnectionId, on: boolean): void;
  /** Ends everything. `abruptly`: as if the process had been killed. */
  close(abruptly: boolean): Promise<void>;
}

/**
 * Log and store of one participant. Writes take effect in order, and are durable once `commit` has resolved. What the
 * device does not do is thrown as a `StorageFailure`; a write that throws one makes every later commit reject.
 */
export interface Storage {
  /** Counts a start, durably, before anything is written. Resolves to how many there were before. */
  begin(): Promise<number>;
  /** What the log holds; throws, naming the entry, when one is damaged that was synced. */
  replay(): { readonly first: number; readonly entries: readonly Uint8Array[] };
  append(entry: Uint8Array): void;
  truncateLog(index: number): void;
  put(key: string, value: Uint8Array): void;
  delete(key: string): void;
  /** Throws when what is stored is damaged. */
  get(key: string): Uint8Array | null;
  scan(prefix: string): readonly (readonly [string, Uint8Array])[];
  /** Whether something was written since the last commit. */
  readonly isDirty: boolean;
  /** Rejects when any write since the last commit failed. */
  commit(): Promise<void>;
  /** Lets go. What was not committed is dropped. */
  close(): Promise<void>;
}

export interface ContainerEvents {
  workload(id: string, event: WorkloadEvent, reason: string, addresses: readonly WorkloadAddress[]): void;
  host(host: number, up: boolean): void;
  log(id: string, lines: readonly string[] | null): void;
}

/** What runs a provider's workloads. */
export interface Containers {
  /** Ids of what runs, or is still starting, for this provider; adopted by whoever asks. */
  list(): Promise<readonly string[]>;
  start(spec: WorkloadSpec): void;
  stop(id: string): void;
  readLog(id: string, lines: number): void;
  /** Lets go of the engine. Workloads go on: they outlast the process. */
  close(): Promise<void>;
}
