/**
 * What each effect does to the ports of the live world, and which input answers it. Answers go the way of all inputs, so
 * that none comes within the turn that asked.
 */
import { type ConnectionId, type Input, MAX_MESSAGE_BYTES, type PeerName } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';
import type { Containers, MessageCodec, Storage, Transport } from './ports.ts';
import { StorageFailure } from './storage/failure.ts';
import type { Timers } from './timers.ts';

/** An external program that actors may `ask`: gets the question and who asks; what it throws becomes the error. */
export type Program = (question: unknown, actor: PeerName) => unknown;

/** Most questions of one actor that programs may be at. */
export const MAX_OPEN_QUESTIONS = 256;

/** What effects need beside the ports. */
export interface PerformerHost<Message, Request> {
  readonly name: PeerName;
  readonly codec: MessageCodec<Message>;
  readonly transport: Transport;
  readonly storage: Storage;
  readonly containers: Containers | null;
  readonly programs: { readonly [name: string]: Program };
  readonly timers: Timers;
  /** Connections that the actor has not closed, nor heard the end of. */
  readonly connections: Set<ConnectionId>;
  tell(input: Input<Message, Request>): void;
  reply(id: number, answer: unknown): void;
  observe(metric: string, value: number, label: string | null): void;
  halt(reason: string): void;
  sync(token: number | null): void;
}

export class Performer<Message, Request> {
  private readonly host: PerformerHost<Message, Request>;
  private openQuestions = 0;
  /** The message that was sent last: one that goes to many peers is encoded once. */
  private encodedMessage: Message | null = null;
  private encodedBytes = new Uint8Array(0);

  constructor(host: PerformerHost<Message, Request>) {
    this.host = host;
  }

  perform(effect: Effect<Message>): void {
    const { host } = this;
    switch (effect.kind) {
      case 'connect':
        host.transport.connect(effect.peer);
        return;
      case 'disconnect':
        if (host.connections.delete(effect.connection)) host.transport.disconnect(effect.connection);
        return;
      case 'send':
        this.send(effect.connection, effect.message);
        return;
      case 'setTimer':
        host.timers.set(effect.id, effect.at);
        return;
      case 'cancelTimer':
        host.timers.cancel(effect.id);
        return;
      case 'sync':
        host.sync(effect.token);
        return;
      case 'openTunnel':
        host.transport.openTunnel(effect.id, effect.peer);
        return;
      case 'closeTunnel':
        host.transport.closeTunnel(effect.id);
        return;
      case 'ask':
        this.ask(effect.id, effect.program, effect.question);
        return;
      case 'reply':
        host.reply(effect.id, effect.answer);
        return;
      case 'observe':
        host.observe(effect.metric, effect.value, effect.label);
        return;
      case 'halt':
        host.halt(effect.reason);
        return;
      case 'startWorkload':
      case 'stopWorkload':
      case 'readWorkloadLog':
        this.onBackend(effect);
        return;
      default:
        this.onStorage(effect);
    }
  }

  private send(connection: ConnectionId, message: Message): void {
    const { host } = this;
    if (!host.connections.has(connection)) return;
    if (message !== this.encodedMessage) {
      this.encodedBytes = Uint8Array.from(host.codec.encode(message));
      this.encodedMessage = message;
    }
    const { length } = this.encodedBytes;
    if (length > MAX_MESSAGE_BYTES) {
      throw new RangeError(`a message has at most ${MAX_MESSAGE_BYTES} bytes, found ${length}`);
    }
    host.transport.send(connection, this.encodedBytes);
  }

  private onStorage(
    effect: Extract<Effect<Message>, { readonly kind: 'append' | 'truncateLog' | 'put' | 'delete' | 'get' | 'scan' }>,
  ): void {
    const { storage } = this.host;
    switch (effect.kind) {
      case 'append':
        this.trying('append', () => storage.append(effect.entry));
        return;
      case 'truncateLog':
        this.trying('truncateLog', () => storage.truncateLog(effect.index));
        return;
      case 'put':
        this.trying(`put ${effect.key}`, () => storage.put(effect.key, effect.value));
        return;
      case 'delete':
        this.trying(`delete ${effect.key}`, () => storage.delete(effect.key));
        return;
      case 'get': {
        const { key } = effect;
        this.trying(`get ${key}`, () => this.host.tell({ kind: 'got', key, value: storage.get(key) }));
        return;
      }
      case 'scan': {
        const { prefix } = effect;
        this.trying(`scan ${prefix}`, () => this.host.tell({ kind: 'scanned', prefix, entries: storage.scan(prefix) }));
      }
    }
  }

  private trying(operation: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof StorageFailure)) throw error;
      this.host.tell({ kind: 'storeFailed', operation, reason: error.message });
    }
  }

  private onBackend(
    effect: Extract<Effect<Message>, { readonly kind: 'startWorkload' | 'stopWorkload' | 'readWorkloadLog' }>,
  ): void {
    const { containers } = this.host;
    const reason = 'no container backend';
    switch (effect.kind) {
      case 'startWorkload': {
        const { spec } = effect;
        if (containers !== null) containers.start(spec);
        else this.host.tell({ kind: 'workload', id: spec.id, event: 'start-failed', reason });
        return;
      }
      case 'stopWorkload': {
        const { id } = effect;
        if (containers !== null) containers.stop(id);
        else this.host.tell({ kind: 'workload', id, event: 'stopped', reason });
        return;
      }
      case 'readWorkloadLog': {
        const { id, lines } = effect;
        if (containers !== null) containers.readLog(id, lines);
        else this.host.tell({ kind: 'workloadLog', id, lines: null });
      }
    }
  }

  private ask(id: string, name: string, question: unknown): void {
    const { programs, name: actor } = this.host;
    const answered = (answer: unknown, error: string | null): void =>
      this.host.tell({ kind: 'answered', id, answer, error });
    const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
    if (program === undefined) {
      answered(null, `there is no program ${name}`);
      return;
    }
    if (this.openQuestions >= MAX_OPEN_QUESTIONS) {
      answered(null, `${MAX_OPEN_QUESTIONS} questions are open already`);
      return;
    }
    this.openQuestions++;
    const asking = async (): Promise<unknown> => program(question, actor);
    void asking()
      .then(
        answer => answered(answer, null),
        (cause: unknown) => answered(null, cause instanceof Error ? cause.message : String(cause)),
      )
      .finally(() => this.openQuestions--);
  }
}
