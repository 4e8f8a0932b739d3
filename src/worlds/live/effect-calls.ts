/**
 * The `Effects` that an actor is handed: makes a value of each call and passes it on. Whoever takes them (a participant,
 * or a replay that compares) decides what becomes of them.
 */
import type { ConnectionId, Effects, PeerName, Time, TimerId, WorkloadSpec } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';

export class EffectCalls<Message> implements Effects<Message> {
  private readonly take: (effect: Effect<Message>) => void;

  constructor(take: (effect: Effect<Message>) => void) {
    this.take = take;
  }

  connect(peer: PeerName): void {
    this.take({ kind: 'connect', peer });
  }

  disconnect(connection: ConnectionId): void {
    this.take({ kind: 'disconnect', connection });
  }

  send(connection: ConnectionId, message: Message): void {
    this.take({ kind: 'send', connection, message });
  }

  setTimer(id: TimerId, at: Time): void {
    this.take({ kind: 'setTimer', id, at });
  }

  cancelTimer(id: TimerId): void {
    this.take({ kind: 'cancelTimer', id });
  }

  append(entry: Uint8Array): void {
    this.take({ kind: 'append', entry });
  }

  truncateLog(index: number): void {
    this.take({ kind: 'truncateLog', index });
  }

  put(key: string, value: Uint8Array): void {
    this.take({ kind: 'put', key, value });
  }

  delete(key: string): void {
    this.take({ kind: 'delete', key });
  }

  get(key: string): void {
    this.take({ kind: 'get', key });
  }

  scan(prefix: string): void {
    this.take({ kind: 'scan', prefix });
  }

  sync(token?: number): void {
    this.take({ kind: 'sync', token: token ?? null });
  }

  startWorkload(spec: WorkloadSpec): void {
    this.take({ kind: 'startWorkload', spec });
  }

  stopWorkload(id: string): void {
    this.take({ kind: 'stopWorkload', id });
  }

  readWorkloadLog(id: string, lines: number): void {
    this.take({ kind: 'readWorkloadLog', id, lines });
  }

  openTunnel(id: string, peer: PeerName): void {
    this.take({ kind: 'openTunnel', id, peer });
  }

  closeTunnel(id: string): void {
    this.take({ kind: 'closeTunnel', id });
  }

  ask(id: string, program: string, question: unknown): void {
    this.take({ kind: 'ask', id, program, question });
  }

  reply(id: number, answer: unknown): void {
    this.take({ kind: 'reply', id, answer });
  }

  observe(metric: string, value: number, label?: string): void {
    this.take({ kind: 'observe', metric, value, label: label ?? null });
  }

  halt(reason: string): void {
    this.take({ kind: 'halt', reason });
  }
}
