/**
 * Reads a recording record by record. An end that was torn, as a killed process leaves it, is told and tolerated; what
 * is damaged before it, missing, or not in its place is refused by name.
 */
import { readFileSync, statSync } from 'node:fs';
import type { MessageCodec } from './ports.ts';
import { DamagedRecording, type RecordingFiles, recordingsIn } from './record-files.ts';
import {
  chained,
  decodeEntry,
  FIRST_CHAIN,
  RECORD_HEAD_BYTES,
  type RecordedEntry,
  readRecordHead,
} from './record-format.ts';

/** Largest file that is read back. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

/** Told in a line where a recording was torn. */
export type OnTorn = (line: string) => void;

/**
 * Reads the recording of an incarnation, up to where it ends or was torn.
 * @throws DamagedRecording when there is none, or it is damaged before its end
 */
export function readRecording<Message, Request>(
  folder: string,
  incarnation: number,
  codec: MessageCodec<Message>,
  onTorn: OnTorn = () => undefined,
): Generator<RecordedEntry<Message, Request>> {
  const found = recordingsIn(folder).find(one => one.incarnation === incarnation);
  if (found === undefined) throw new DamagedRecording(`${folder}: found no recording of incarnation ${incarnation}`);
  return readFiles(found, codec, onTorn);
}

/** Reads a recording from its files; see `readRecording`. */
export function* readFiles<Message, Request>(
  { files, isCut }: RecordingFiles,
  codec: MessageCodec<Message>,
  onTorn: OnTorn = () => undefined,
): Generator<RecordedEntry<Message, Request>> {
  const order = new Order();
  let chain = FIRST_CHAIN;
  let count = 0;
  for (const [i, path] of files.entries()) {
    const bytes = bytesOf(path);
    let at = 0;
    while (at < bytes.length) {
      const place = `${path}: found record ${count}, at byte ${at},`;
      const end = endOf(bytes, at, place);
      if (end === null) {
        // Only the last record of all can be torn.
        if (i < files.length - 1)
          throw new DamagedRecording(`${place} cut off, expected all of it: another file follows`);
        onTorn(`${path}: torn at byte ${at}, in record ${count}`);
        break;
      }
      const { sum, chain: written } = readRecordHead(bytes, at)!;
      const entry = entryOf<Message, Request>(bytes.subarray(at + RECORD_HEAD_BYTES, end), sum, codec, place);
      chain = chained(chain, sum);
      if (chain !== written) {
        throw new DamagedRecording(
          `${place} that does not follow from those before it, expected none of them altered, removed or moved`,
        );
      }
      order.check(entry, place);
      yield entry;
      count++;
      at = end;
    }
  }
  if (isCut) yield { kind: 'end', how: 'cut', reason: 'nothing more could be written' };
}

function bytesOf(path: string): Buffer {
  const { size } = statSync(path);
  if (size > MAX_FILE_BYTES) {
    throw new DamagedRecording(`${path}: found ${size} bytes, expected at most ${MAX_FILE_BYTES}`);
  }
  return readFileSync(path);
}

/** Where the record at a place ends; null: not within the file. */
function endOf(bytes: Buffer, at: number, place: string): number | null {
  if (at + RECORD_HEAD_BYTES > bytes.length) return null;
  const head = readRecordHead(bytes, at);
  if (head !== null) {
    const end = at + RECORD_HEAD_BYTES + head.length;
    return end > bytes.length ? null : end;
  }
  // A file system that lost its power may have given a file its length and not its bytes.
  if (bytes.subarray(at).every(byte => byte === 0)) return null;
  throw new DamagedRecording(`${place} with a head that does not match its checksum, expected it whole`);
}

function entryOf<Message, Request>(
  content: Buffer,
  sum: number,
  codec: MessageCodec<Message>,
  place: string,
): RecordedEntry<Message, Request> {
  let entry: RecordedEntry<Message, Request> | null;
  try {
    entry = decodeEntry<Message, Request>(content, sum, codec);
  } catch (error) {
    throw new DamagedRecording(`${place} that cannot be read (${(error as Error).message}), expected an entry`);
  }
  if (entry === null) throw new DamagedRecording(`${place} that does not match its checksum, expected it whole`);
  return entry;
}

/** Whether inputs and effects are numbered without a gap. */
class Order {
  private inputs = 0;
  private effects = 0;

  check(entry: RecordedEntry<unknown, unknown>, place: string): void {
    if (entry.kind === 'input') this.expect('input', entry.index, this.inputs++, place);
    if (entry.kind === 'effect') this.expect('effect', entry.index, this.effects++, place);
  }

  private expect(what: string, found: number, expected: number, place: string): void {
    if (found !== expected) throw new DamagedRecording(`${place} with ${what} ${found}, expected ${what} ${expected}`);
  }
}
