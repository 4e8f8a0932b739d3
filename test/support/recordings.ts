/** Recordings that somebody has tampered with, every checksum made right again: only a replay can tell. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageCodec } from '../../src/worlds/live/ports.ts';
import { recordingName } from '../../src/worlds/live/record-files.ts';
import { encodeEntry, FIRST_CHAIN, type RecordedEntry } from '../../src/worlds/live/record-format.ts';
import { readRecording } from '../../src/worlds/live/record-reader.ts';

/** A folder for a test, and its end. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'orrery-recordings-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes entries as a recording of one file, inputs and effects numbered anew; its path. */
export function writeRecording<Message, Request>(
  folder: string,
  incarnation: number,
  entries: Iterable<RecordedEntry<Message, Request>>,
  codec: MessageCodec<Message>,
): string {
  let chain = FIRST_CHAIN;
  let inputs = 0;
  let effects = 0;
  const parts: Buffer[] = [];
  for (const entry of entries) {
    const numbered =
      entry.kind === 'input'
        ? { ...entry, index: inputs++ }
        : entry.kind === 'effect'
          ? { ...entry, index: effects++ }
          : entry;
    const encoded = encodeEntry(numbered, codec, chain);
    chain = encoded.chain;
    parts.push(encoded.bytes);
  }
  mkdirSync(folder, { recursive: true });
  const path = join(folder, recordingName(incarnation, 0));
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

/** Changes the recording of an incarnation where it lies. */
export function tamper<Message, Request>(
  folder: string,
  incarnation: number,
  codec: MessageCodec<Message>,
  change: (entries: RecordedEntry<Message, Request>[]) => readonly RecordedEntry<Message, Request>[],
): void {
  const entries = [...readRecording<Message, Request>(folder, incarnation, codec)];
  writeRecording(folder, incarnation, change(entries), codec);
}
