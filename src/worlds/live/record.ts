/**
 * Records an incarnation of an actor to files: what it began with, each input with its time, each effect. Files are
 * bounded, and so is all of a recording: at its limit it ends, and says so, and the participant goes on.
 *
 * What is recorded waits in memory for a moment; a process that is killed loses that much of the end.
 */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Input, Time } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';
import type { MessageCodec } from './ports.ts';
import { decodeEntry, encodeEntry, FORMAT, RECORD_HEAD_BYTES, type RecordedEntry } from './record-format.ts';
import type { Recorder, RecordingHead } from './recorder.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from './storage/files.ts';

/** Where a new file begins. */
const CHUNK_BYTES = 16 * 1024 * 1024;
/** What waits in memory before it is written. */
const BUFFER_BYTES = 64 * 1024;
/** Most bytes of a recording, unless told otherwise. */
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024 * 1024;
/** Largest file that is read back. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

export interface RecordOptions {
  /** Most bytes of the recording. Default 4 GiB. */
  readonly maxBytes?: number;
  /** Told when the recording ends for its size. */
  readonly log?: (line: string) => void;
}

export class FileRecorder<Message, Request> implements Recorder<Message, Request> {
  private readonly folder: string;
  private readonly codec: MessageCodec<Message>;
  private readonly options: RecordOptions;
  private incarnation = 0;
  private chunk = 0;
  private file: number | null = null;
  private chunkBytes = 0;
  private totalBytes = 0;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
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
    // What a start that went no further left under this number.
    for (const name of chunksOf(this.folder, head.incarnation)) rmSync(join(this.folder, name));
    this.write({ kind: 'head', format: FORMAT, ...head });
  }

  input(index: number, now: Time, input: Input<Message, Request>): void {
    this.write({ kind: 'input', index, now, input });
  }

  effect(index: number, effect: Effect<Message>): void {
    this.write({ kind: 'effect', index, effect });
  }

  async close(): Promise<void> {
    this.isOver = true;
    this.flush();
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }

  private write(entry: RecordedEntry<Message, Request>): void {
    if (this.isOver) return;
    const bytes = encodeEntry(entry, this.codec);
    const maxBytes = this.options.maxBytes ?? DEFAULT_MAX_BYTES;
    if (this.totalBytes + bytes.length > maxBytes) {
      this.isOver = true;
      const reason = `the recording has reached its ${maxBytes} bytes`;
      this.push(encodeEntry({ kind: 'end', reason }, this.codec));
      this.flush();
      this.options.log?.(`${reason}, and ends`);
      return;
    }
    this.push(bytes);
    if (this.waitingBytes >= BUFFER_BYTES) this.flush();
  }

  private push(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.totalBytes += bytes.length;
  }

  private flush(): void {
    if (this.waitingBytes === 0) return;
    const bytes = Buffer.concat(this.waiting);
    this.waiting = [];
    this.waitingBytes = 0;
    if (this.file !== null && this.chunkBytes >= CHUNK_BYTES) {
      closeSync(this.file);
      this.file = null;
    }
    if (this.file === null) {
      const path = join(this.folder, chunkName(this.incarnation, this.chunk++));
      this.file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, PRIVATE_FILE);
      this.chunkBytes = 0;
    }
    for (let done = 0; done < bytes.length; ) done += writeSync(this.file, bytes, done);
    this.chunkBytes += bytes.length;
  }
}

/**
 * Reads the recording of an incarnation, up to where it ends or was torn.
 * @throws Error when there is none, or it is damaged before its end
 */
export function* readRecording<Message, Request>(
  folder: string,
  incarnation: number,
  codec: MessageCodec<Message>,
): Generator<RecordedEntry<Message, Request>> {
  const names = chunksOf(folder, incarnation);
  if (names.length === 0) throw new Error(`${folder}: found no recording of incarnation ${incarnation}`);
  for (const [i, name] of names.entries()) {
    const path = join(folder, name);
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw new Error(`${path}: found ${size} bytes, expected at most ${MAX_FILE_BYTES}`);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; ) {
      const length = at + RECORD_HEAD_BYTES > bytes.length ? Number.POSITIVE_INFINITY : bytes.readUInt32LE(at);
      const end = at + RECORD_HEAD_BYTES + length;
      if (end > bytes.length) {
        // Only the last record of all can be torn.
        if (i === names.length - 1) return;
        throw new Error(`${path}: found a record at byte ${at} that is not whole`);
      }
      const content = bytes.subarray(at + RECORD_HEAD_BYTES, end);
      const entry = decodeEntry<Message, Request>(content, bytes.readUInt32LE(at + 4), codec);
      if (entry === null) throw new Error(`${path}: found a record at byte ${at} that does not match its checksum`);
      yield entry;
      at = end;
    }
  }
}

function chunkName(incarnation: number, chunk: number): string {
  return `incarnation-${String(incarnation).padStart(6, '0')}-${String(chunk).padStart(4, '0')}.recording`;
}

/** Names of a recording's files, in order. */
function chunksOf(folder: string, incarnation: number): string[] {
  const prefix = chunkName(incarnation, 0).slice(0, -'0000.recording'.length);
  const names = readdirSync(folder).filter(name => name.startsWith(prefix) && name.endsWith('.recording'));
  return names.sort((a, b) => (a < b ? -1 : 1));
}
