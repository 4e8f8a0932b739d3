/**
 * The effects of an actor on its log and its store: what each does to the disk, and which input answers it.
 *
 * A write that fails is told as `storeFailed`. Reads take the disk's time, and are answered in their order.
 */
import type { Input, Time } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import type { SimulatedDisk } from './disk.ts';
import { APPEND, DELETE, GET, PUT, SCAN, TRUNCATE } from './effect-codes.ts';

export class StorageEffects {
  private readonly disk: SimulatedDisk;
  private readonly agenda: Agenda;
  private readonly tell: (time: Time, input: Input<never, never>) => void;
  /** When the last read is answered. */
  private lastRead: Time = 0;

  /** @param tell hands the process an input at a time */
  constructor(disk: SimulatedDisk, agenda: Agenda, tell: (time: Time, input: Input<never, never>) => void) {
    this.disk = disk;
    this.agenda = agenda;
    this.tell = tell;
  }

  perform(op: number, a: unknown, b: unknown): void {
    const { disk } = this;
    switch (op) {
      case APPEND:
        this.wrote('append', disk.append(a as Uint8Array));
        return;
      case TRUNCATE:
        this.wrote('truncateLog', disk.truncate(a as number));
        return;
      case PUT:
        this.wrote(`put ${a as string}`, disk.write(a as string, b as Uint8Array));
        return;
      case DELETE:
        this.wrote(`delete ${a as string}`, disk.write(a as string, null));
        return;
      case GET:
        this.read(a as string);
        return;
      case SCAN:
        this.readAll(a as string);
        return;
      default:
        throw new Error(`unknown effect ${op}`);
    }
  }

  private wrote(operation: string, failure: string | null): void {
    if (failure !== null) this.tell(this.agenda.now, { kind: 'storeFailed', operation, reason: failure });
  }

  private read(key: string): void {
    const failure = this.disk.readFailure(key);
    if (failure !== null) {
      this.wrote(`get ${key}`, failure);
      return;
    }
    const value = this.disk.read(key);
    this.answer(value === null ? 0 : value.length, { kind: 'got', key, value });
  }

  private readAll(prefix: string): void {
    const failure = this.disk.scanFailure(prefix);
    if (failure !== null) {
      this.wrote(`scan ${prefix}`, failure);
      return;
    }
    const entries = this.disk.scan(prefix);
    let bytes = 0;
    for (const [key, value] of entries) bytes += key.length + value.length;
    this.answer(bytes, { kind: 'scanned', prefix, entries });
  }

  private answer(bytes: number, input: Input<never, never>): void {
    const at = this.agenda.now + this.disk.readDuration(bytes);
    this.lastRead = at > this.lastRead ? at : this.lastRead;
    this.tell(this.lastRead, input);
  }
}
