/**
 * The mark: what was synced last, written after it and synced by itself. Without it, nobody could tell an entry that was
 * never finished from one that was, and then rotted; nor notice that the newest writes of the store are gone.
 *
 * Two slots are written in turns, each with a checksum, so that a torn write leaves the one before.
 */
import { checksum, numberBytes, SUM_BYTES, sameSum } from './checksum.ts';
import { StorageDamaged } from './failure.ts';
import type { StorageFile, StorageFiles } from './files.ts';

export interface Mark {
  /** Starts of the participant so far. */
  readonly starts: number;
  /** Number of the segment that the log ended in. */
  readonly segment: number;
  /** Where in it the log ended, in bytes. */
  readonly offset: number;
  /** Number of the next entry. */
  readonly nextIndex: number;
  /** Number of the first entry that was not truncated. */
  readonly firstIndex: number;
  /** Commits of the store so far. */
  readonly commits: number;
  /** Digest of the store's keys and checksums, as of that commit. */
  readonly digest: Uint8Array;
}

export const DIGEST_BYTES = 16;

const NAME = 'synced.mark';
/** Slots lie in blocks of their own, since a torn write may take a whole block with it. */
const SLOT_BYTES = 4_096;
const MAGIC = Buffer.from('ORRMARK1');
const NUMBERS = 7;
const BODY_BYTES = MAGIC.length + 8 * NUMBERS + DIGEST_BYTES;

export class MarkFile {
  /** The newest mark; null when there never was one. */
  readonly found: Mark | null;
  private readonly file: StorageFile;
  private sequence: number;

  private constructor(file: StorageFile, sequence: number, found: Mark | null) {
    this.file = file;
    this.sequence = sequence;
    this.found = found;
  }

  /**
   * Opens the mark of a folder; makes an empty one where there is nothing else.
   * @throws StorageDamaged when neither slot can be read
   */
  static open(files: StorageFiles): MarkFile {
    if (!files.list().includes(NAME)) return new MarkFile(files.open(NAME, true), 0, null);
    const file = files.open(NAME, false);
    const slots = [0, 1].map(slot => file.read(slot * SLOT_BYTES, BODY_BYTES + SUM_BYTES));
    const marks = slots.map(parse).filter(mark => mark !== null);
    const newest = marks.sort((a, b) => b.sequence - a.sequence)[0];
    if (newest !== undefined) return new MarkFile(file, newest.sequence, newest.mark);
    if (slots.every(slot => slot.every(byte => byte === 0))) return new MarkFile(file, 0, null);
    file.close();
    throw new StorageDamaged(`${NAME} is damaged: neither of its two checksums matches`);
  }

  /** Writes a mark and makes it durable. */
  async write(mark: Mark): Promise<void> {
    this.sequence++;
    const body = Buffer.concat([
      MAGIC,
      numberBytes(this.sequence, mark.starts, mark.segment, mark.offset, mark.nextIndex, mark.firstIndex, mark.commits),
      mark.digest,
    ]);
    this.file.write((this.sequence % 2) * SLOT_BYTES, Buffer.concat([body, checksum('mark', body)]));
    await this.file.sync();
  }

  close(): void {
    this.file.close();
  }
}

function parse(slot: Buffer): { readonly sequence: number; readonly mark: Mark } | null {
  const body = slot.subarray(0, BODY_BYTES);
  if (slot.length < BODY_BYTES + SUM_BYTES || !body.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  if (!sameSum(slot.subarray(BODY_BYTES), checksum('mark', body))) return null;
  const numbers = Array.from({ length: NUMBERS }, (_, i) => Number(body.readBigUInt64LE(MAGIC.length + 8 * i)));
  const [sequence, starts, segment, offset, nextIndex, firstIndex, commits] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const digest = Uint8Array.from(body.subarray(BODY_BYTES - DIGEST_BYTES));
  return { sequence, mark: { starts, segment, offset, nextIndex, firstIndex, commits, digest } };
}
