/**
 * What a start finds of the log. Up to the mark all must be whole: a hole in it is an error that names the entry. Beyond
 * it lies what was never synced; of that, whatever is whole up to the first thing that is not counts as written.
 */
import { StorageDamaged } from './failure.ts';
import type { StorageFiles } from './files.ts';
import type { Mark } from './mark.ts';
import {
  ENTRY,
  HEADER_BYTES,
  MAX_SEGMENT_BYTES,
  parseFrame,
  parseHeader,
  type SegmentHeader,
  segmentName,
  segmentNumber,
  TRUNCATION,
} from './segment.ts';

export interface RecoveredLog {
  /** Number of the first entry. */
  readonly first: number;
  readonly entries: readonly Uint8Array[];
  /** In order; at least one, unless the log is new. */
  readonly segments: readonly SegmentHeader[];
  /** Where the last segment ends. */
  readonly offset: number;
  /** Segments that hold nothing that counts: truncated long ago, or never synced and torn. */
  readonly useless: readonly number[];
  /** Bytes that were never synced, and are not whole. */
  readonly cutBytes: number;
}

interface SegmentOnDisk {
  readonly number: number;
  readonly bytes: Buffer;
  readonly header: SegmentHeader | null;
}

/**
 * Reads the log. Changes nothing.
 * @throws StorageDamaged when what was synced is not whole
 */
export function recoverLog(files: StorageFiles, mark: Mark | null): RecoveredLog {
  const numbers = files.list().map(segmentNumber);
  const present = numbers.filter(number => number !== null).sort((a, b) => a - b);
  if (mark === null) {
    // The mark is written before anybody gets to write to the log.
    const first = present.length === 0 ? null : read(files, present[0]!);
    if (present.length > 1 || (first !== null && first.bytes.length > HEADER_BYTES)) {
      throw new StorageDamaged('the mark of what was synced is missing, but there is a log');
    }
    return { first: 0, entries: [], segments: [], offset: 0, useless: present, cutBytes: 0 };
  }
  return new Recovery(files, mark).run(present);
}

class Recovery {
  private readonly files: StorageFiles;
  private readonly mark: Mark;
  private readonly entries: { readonly index: number; readonly entry: Uint8Array }[] = [];
  private readonly segments: SegmentHeader[] = [];
  /** Number of the next entry. */
  private next = 0;
  private first: number;
  private offset = 0;
  private cutBytes = 0;

  constructor(files: StorageFiles, mark: Mark) {
    this.files = files;
    this.mark = mark;
    this.first = mark.firstIndex;
  }

  run(present: readonly number[]): RecoveredLog {
    const needed = this.firstNeeded(present);
    const useless = present.slice(0, needed);
    for (let at = needed; at < present.length; at++) {
      const segment = read(this.files, present[at]!);
      if (this.admit(segment, present[at - 1]) && this.take(segment)) continue;
      // From here on nothing counts; what stands in this segment before the fault does.
      const kept = this.segments.at(-1)?.segment === segment.number;
      const rest = present.slice(kept ? at + 1 : at);
      for (const number of rest) this.cutBytes += read(this.files, number).bytes.length;
      useless.push(...rest);
      break;
    }
    if ((this.segments.at(-1)?.segment ?? 0) < this.mark.segment) throw this.missing();
    const entries = this.entries.filter(({ index }) => index >= this.first).map(({ entry }) => entry);
    const { first, segments, offset, cutBytes } = this;
    return { first, entries, segments, offset, useless, cutBytes };
  }

  /** Place of the first segment that still matters. Those before it were truncated and may be in any state. */
  private firstNeeded(present: readonly number[]): number {
    let at = 0;
    for (let i = 1; i < present.length; i++) {
      if (present[i]! > this.mark.segment) break;
      const { header } = read(this.files, present[i]!, HEADER_BYTES);
      if (header !== null && header.firstEntry <= this.mark.firstIndex) at = i;
    }
    return at;
  }

  /** Whether a segment goes on where the one before it ended. */
  private admit(segment: SegmentOnDisk, before: number | undefined): boolean {
    const { header, number } = segment;
    const synced = number <= this.mark.segment;
    if (header === null) {
      if (synced) throw this.damaged(`the head of ${segmentName(number)} does not match its checksum`);
      return false;
    }
    if (this.segments.length === 0) {
      if (header.firstEntry > this.mark.firstIndex || !synced) throw this.missing();
      this.next = header.firstEntry;
    } else if (header.firstEntry !== this.next || number !== before! + 1) {
      if (synced) throw this.missing();
      return false;
    }
    this.first = Math.max(this.first, header.firstIndex);
    this.segments.push(header);
    this.offset = HEADER_BYTES;
    return true;
  }

  /** Takes the frames of a segment. False when it had to be cut. */
  private take({ number, bytes }: SegmentOnDisk): boolean {
    const { mark } = this;
    const synced = number < mark.segment ? bytes.length : number === mark.segment ? mark.offset : 0;
    if (synced > bytes.length) {
      this.takeFrames(number, bytes, bytes.length);
      throw this.missing();
    }
    return this.takeFrames(number, bytes, synced);
  }

  private takeFrames(number: number, bytes: Buffer, synced: number): boolean {
    while (this.offset < bytes.length) {
      const frame = parseFrame(number, bytes, this.offset);
      if (frame === null || !this.takeFrame(frame.kind, frame.index, frame.entry, this.offset < synced)) {
        if (this.offset < synced) throw this.damaged('its checksum does not match');
        this.cutBytes += bytes.length - this.offset;
        return false;
      }
      this.offset = frame.end;
    }
    return true;
  }

  private takeFrame(kind: number, index: number, entry: Buffer | null, synced: boolean): boolean {
    if (kind === TRUNCATION) {
      if (entry === null || index > this.next) return false;
      this.first = Math.max(this.first, index);
      return true;
    }
    if (kind !== ENTRY || index !== this.next) return false;
    // A copy: a view would keep all of its segment in memory.
    if (entry !== null) this.entries.push({ index, entry: Uint8Array.from(entry) });
    // What was dropped may rot.
    else if (!synced || index >= this.mark.firstIndex) return false;
    this.next++;
    return true;
  }

  private damaged(why: string): StorageDamaged {
    return new StorageDamaged(`log entry ${Math.max(this.next, this.mark.firstIndex)} is damaged: ${why}`);
  }

  private missing(): StorageDamaged {
    const index = Math.max(this.next, this.mark.firstIndex);
    const { nextIndex } = this.mark;
    return new StorageDamaged(
      `log entry ${index} is damaged: it is missing, and entries up to ${nextIndex} were synced`,
    );
  }
}

function read(files: StorageFiles, number: number, length = MAX_SEGMENT_BYTES): SegmentOnDisk {
  const file = files.open(segmentName(number), false);
  try {
    const { size } = file;
    if (size > MAX_SEGMENT_BYTES) {
      throw new StorageDamaged(
        `${segmentName(number)} is damaged: found ${size} bytes, expected at most ${MAX_SEGMENT_BYTES}`,
      );
    }
    const bytes = file.read(0, Math.min(size, length));
    return { number, bytes, header: parseHeader(bytes, number) };
  } finally {
    file.close();
  }
}
