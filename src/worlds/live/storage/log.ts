/**
 * The append log: numbered entries in segment files. Entries are handed to the system as they come and are durable from
 * the next sync on; truncation is an entry of its own kind, so that of everything a prefix survives a crash. Segments
 * that hold only truncated entries are removed once the truncation is durable.
 */
import { StorageFailure } from './failure.ts';
import type { StorageFile, StorageFiles } from './files.ts';
import { type RecoveredLog, recoverLog } from './log-recovery.ts';
import type { Mark } from './mark.ts';
import {
  ENTRY,
  encodeFrame,
  encodeHeader,
  HEADER_BYTES,
  MAX_ENTRY_BYTES,
  SEGMENT_BYTES,
  type SegmentHeader,
  segmentName,
  TRUNCATION,
} from './segment.ts';

/** Most bytes of a log. All of it is read into memory at a start. */
export const MAX_LOG_BYTES = 1024 * 1024 * 1024;

const NOTHING = new Uint8Array(0);

/** A segment and what it takes on the disk. */
interface KeptSegment extends SegmentHeader {
  bytes: number;
}

export interface LogOptions {
  /** Where a new segment begins. Default SEGMENT_BYTES. */
  readonly segmentBytes?: number;
}

export class AppendLog {
  /** Whether something was written since the last sync. */
  isDirty = false;
  private readonly files: StorageFiles;
  private readonly segmentBytes: number;
  private segments: KeptSegment[] = [];
  private file: StorageFile | null = null;
  /** Files of segments that ended since the last sync. */
  private ended: StorageFile[] = [];
  private namesDirty = false;
  private first = 0;
  private next = 0;
  private totalBytes = 0;

  private constructor(files: StorageFiles, options: LogOptions) {
    this.files = files;
    this.segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
  }

  /**
   * Opens a log and repairs what was never synced. Nothing is durable before the first `sync`.
   * @throws StorageDamaged when what was synced is not whole; nothing is changed then
   */
  static open(
    files: StorageFiles,
    mark: Mark | null,
    options: LogOptions = {},
  ): { readonly log: AppendLog; readonly recovered: RecoveredLog } {
    const recovered = recoverLog(files, mark);
    const log = new AppendLog(files, options);
    log.settle(recovered);
    return { log, recovered };
  }

  /** Number of the next entry. */
  get nextIndex(): number {
    return this.next;
  }

  /** Number of the first entry that was not truncated. */
  get firstIndex(): number {
    return this.first;
  }

  /** Where the log ends. */
  get end(): { readonly segment: number; readonly offset: number } {
    const { segment, bytes } = this.segments.at(-1)!;
    return { segment, offset: bytes };
  }

  append(entry: Uint8Array): void {
    if (entry.length > MAX_ENTRY_BYTES) {
      throw new RangeError(`a log entry has at most ${MAX_ENTRY_BYTES} bytes, found ${entry.length}`);
    }
    if (this.totalBytes + entry.length > MAX_LOG_BYTES) {
      throw new StorageFailure(`the log is full: it has ${this.totalBytes} bytes, at most ${MAX_LOG_BYTES} are kept`);
    }
    this.write(ENTRY, this.next, entry);
    this.next++;
  }

  truncate(index: number): void {
    if (!Number.isSafeInteger(index) || index < 0 || index > this.next) {
      throw new RangeError(`the log can be truncated at 0..${this.next}, found ${index}`);
    }
    if (index <= this.first) return;
    this.write(TRUNCATION, index, NOTHING);
    this.first = index;
  }

  /** Makes durable what was written. */
  async sync(): Promise<void> {
    const ended = this.ended;
    await Promise.all([...ended, this.file!].map(file => file.sync()));
    if (this.namesDirty) await this.files.syncNames();
    this.namesDirty = false;
    this.ended = this.ended.slice(ended.length);
    for (const file of ended) file.close();
    this.isDirty = false;
  }

  /** Removes the segments that only hold entries whose truncation is durable. */
  dropTruncated(): void {
    while (this.segments.length > 1 && this.segments[1]!.firstEntry <= this.first) {
      const { segment, bytes } = this.segments[0]!;
      // Its name may come back after a crash; then it is removed again.
      this.files.remove(segmentName(segment));
      this.segments.shift();
      this.totalBytes -= bytes;
    }
  }

  close(): void {
    for (const file of [...this.ended, this.file]) file?.close();
    this.ended = [];
    this.file = null;
  }

  /** Takes over what was found, and cuts off what does not count. */
  private settle(recovered: RecoveredLog): void {
    const { segments, offset, useless } = recovered;
    for (const number of useless) this.files.remove(segmentName(number));
    this.namesDirty = true;
    this.isDirty = true;
    this.first = recovered.first;
    this.next = recovered.first + recovered.entries.length;
    if (segments.length === 0) {
      this.begin(1);
      return;
    }
    for (const header of segments) {
      const file = this.files.open(segmentName(header.segment), false);
      const bytes = header === segments.at(-1) ? offset : file.size;
      this.segments.push({ ...header, bytes });
      this.totalBytes += bytes;
      if (header !== segments.at(-1)) file.close();
      else this.file = file;
    }
    if (this.file!.size > offset) this.file!.truncate(offset);
  }

  private write(kind: number, index: number, entry: Uint8Array): void {
    const last = this.segments.at(-1)!;
    if (last.bytes >= this.segmentBytes) this.begin(last.segment + 1);
    const { segment, offset } = this.end;
    const frame = encodeFrame(segment, kind, index, entry);
    this.isDirty = true;
    this.file!.write(offset, frame);
    this.segments.at(-1)!.bytes += frame.length;
    this.totalBytes += frame.length;
  }

  /** Begins a new segment. */
  private begin(segment: number): void {
    const header = { segment, firstEntry: this.next, firstIndex: this.first };
    const file = this.files.open(segmentName(segment), true);
    if (this.file !== null) this.ended.push(this.file);
    this.file = file;
    this.namesDirty = true;
    this.isDirty = true;
    this.segments.push({ ...header, bytes: HEADER_BYTES });
    this.totalBytes += HEADER_BYTES;
    file.write(0, encodeHeader(header));
  }
}
