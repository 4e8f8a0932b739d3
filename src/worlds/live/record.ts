/**
 * Records an incarnation of an actor to files: what it began with, each input with its time, each effect. Files are
 * bounded, and so is all of a recording: at its limit it ends, and says so, and the participant goes on.
 *
 * What is recorded waits in memory until the actor calls something that others can notice; then it is the system's, and
 * outlasts the process. So of a process that was killed nothing is missing that anybody could have seen the effect of. A
 * machine that loses its power may lose more: recordings are not synced.
 */
import { closeSync, constants, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Input, Time } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';
import type { MessageCodec } from './ports.ts';
import { cutName, recordingName } from './record-files.ts';
import { encodeEntry, FIRST_CHAIN, FORMAT, type RecordedEntry } from './record-format.ts';
import type { Recorder, RecordingEnd, RecordingHead } from './recorder.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from './storage/files.ts';

/** Where a new file begins, unless told otherwise. */
const FILE_BYTES = 16 * 1024 * 1024;
/** What waits in memory at the most. */
const BUFFER_BYTES = 64 * 1024;
/** Most bytes of a recording, unless told otherwise. */
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024 * 1024;

/** What nobody else can notice: it changes nothing outside before a `sync`. */
const UNSEEN: ReadonlySet<Effect<never>['kind']> = new Set([
  'observe',
  'setTimer',
  'cancelTimer',
  'append',
  'truncateLog',
  'put',
  'delete',
  'get',
  'scan',
]);

export interface RecordOptions {
  /** What makes the same actor again, for whoever does: plain data, kept as it is. */
  readonly origin?: unknown;
  /** Most bytes of the recording. Default 4 GiB. */
  readonly maxBytes?: number;
  /** Where a new file begins. Default 16 MiB. */
  readonly fileBytes?: number;
  /** Told when the recording ends for its size. */
  readonly log?: (line: string) => void;
}

export class FileRecorder<Message, Request> implements Recorder<Message, Request> {
  private readonly folder: string;
  private readonly codec: MessageCodec<Message>;
  private readonly options: RecordOptions;
  private incarnation: number | null = null;
  private files = 0;
  private path: string | null = null;
  private file: number | null = null;
  private fileBytes = 0;
  private totalBytes = 0;
  private chain = FIRST_CHAIN;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private inputWaits = false;
  private isOver = false;

  /** @param folder where recordings are kept; made when it is not there */
  constructor(folder: string, codec: MessageCodec<Message>, options: RecordOptions = {}) {
    this.folder = folder;
    this.codec = codec;
    this.options = options;
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  }

  begin(head: RecordingHead): void {
    this.incarnation = head.incarnation;
    this.write({ kind: 'head', format: FORMAT, origin: this.options.origin ?? null, ...head });
    this.flush();
  }

  input(index: number, now: Time, input: Input<Message, Request>): void {
    this.inputWaits = true;
    this.write({ kind: 'input', index, now, input });
  }

  effect(index: number, effect: Effect<Message>): void {
    this.write({ kind: 'effect', index, effect });
    if (this.inputWaits && !UNSEEN.has(effect.kind)) this.flush();
  }

  shown(value: unknown): void {
    this.write({ kind: 'shown', value });
  }

  end(end: RecordingEnd): void {
    // Who could not even begin has no recording.
    if (this.incarnation === null) return;
    this.write({ kind: 'end', ...end });
    this.flush();
    this.isOver = true;
  }

  async close(): Promise<void> {
    this.isOver = true;
    this.flush();
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }

  private write(entry: RecordedEntry<Message, Request>): void {
    if (this.isOver) return;
    const encoded = encodeEntry(entry, this.codec, this.chain);
    const maxBytes = this.options.maxBytes ?? DEFAULT_MAX_BYTES;
    if (this.totalBytes + encoded.bytes.length > maxBytes) {
      const reason = `the recording has reached its ${maxBytes} bytes`;
      this.push(encodeEntry({ kind: 'end', how: 'cut', reason }, this.codec, this.chain));
      this.flush();
      this.isOver = true;
      this.options.log?.(`${reason}, and ends`);
      return;
    }
    this.push(encoded);
    if (this.waitingBytes >= BUFFER_BYTES) this.flush();
  }

  private push({ bytes, chain }: { readonly bytes: Buffer; readonly chain: number }): void {
    this.chain = chain;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.totalBytes += bytes.length;
  }

  private flush(): void {
    this.inputWaits = false;
    if (this.waitingBytes === 0) return;
    const bytes = Buffer.concat(this.waiting);
    this.waiting = [];
    this.waitingBytes = 0;
    try {
      this.append(bytes);
    } catch (error) {
      this.isOver = true;
      this.markCut(error);
      throw error;
    }
  }

  /** Says in the name of the last file that it is not all. */
  private markCut(cause: unknown): void {
    if (this.path === null) return;
    try {
      renameSync(this.path, cutName(this.path));
    } catch (error) {
      throw new AggregateError(
        [cause, error],
        `${(cause as Error).message}; nor can that be noted: ${(error as Error).message}`,
      );
    }
  }

  private append(bytes: Buffer): void {
    if (this.file !== null && this.fileBytes >= (this.options.fileBytes ?? FILE_BYTES)) {
      closeSync(this.file);
      this.file = null;
    }
    if (this.file === null) {
      const path = join(this.folder, recordingName(this.incarnation!, this.files));
      // What lies there already is somebody's recording, and no second one of the same start.
      this.file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, PRIVATE_FILE);
      this.path = path;
      this.files++;
      this.fileBytes = 0;
    }
    for (let done = 0; done < bytes.length; ) done += writeSync(this.file, bytes, done);
    this.fileBytes += bytes.length;
  }
}
