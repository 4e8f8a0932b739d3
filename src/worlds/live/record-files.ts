/**
 * The files of recordings: a folder holds those of one participant, each incarnation in as many files as it takes.
 *
 *   incarnation-000002-0000.recording       the third start, its first file
 *   incarnation-000002-0001.cut.recording   its last one, which could not be written to its end
 *
 * That a recording was cut off is said by a name, because a name can be changed where no byte can be written any more.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files of a folder that are looked at: recordings of many thousand starts. */
const MAX_FILES = 100_000;

const NAME = /^incarnation-(\d{6,9})-(\d{4,9})(\.cut)?\.recording$/;

/** The recording of an incarnation, as its files lie there. */
export interface RecordingFiles {
  readonly incarnation: number;
  /** Paths, in order. */
  readonly files: readonly string[];
  /** The participant went on when nothing more could be written. */
  readonly isCut: boolean;
  readonly bytes: number;
}

/** A recording that is not what was written, or is none. The message names the place. */
export class DamagedRecording extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DamagedRecording';
  }
}

export function recordingName(incarnation: number, part: number): string {
  return `incarnation-${String(incarnation).padStart(6, '0')}-${String(part).padStart(4, '0')}.recording`;
}

/** The name of a file that could not be written to its end. */
export function cutName(path: string): string {
  return path.replace(/\.recording$/, '.cut.recording');
}

/** The incarnation whose recording a file is part of; null: it is not called like one. */
export function incarnationOf(name: string): number | null {
  const parts = NAME.exec(name);
  return parts === null ? null : Number(parts[1]);
}

/**
 * The recordings in a folder, in order of their incarnations.
 * @throws DamagedRecording when a file is missing between others
 */
export function recordingsIn(folder: string): RecordingFiles[] {
  const names = readdirSync(folder).filter(name => NAME.test(name));
  if (names.length > MAX_FILES) {
    throw new DamagedRecording(`${folder}: found ${names.length} recordings, expected at most ${MAX_FILES}`);
  }
  const found = new Map<number, { part: number; name: string; isCut: boolean }[]>();
  for (const name of names) {
    const [, incarnation, part, cut] = NAME.exec(name)!;
    const parts = found.get(Number(incarnation)) ?? [];
    parts.push({ part: Number(part), name, isCut: cut !== undefined });
    found.set(Number(incarnation), parts);
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([incarnation, parts]) => {
      parts.sort((a, b) => a.part - b.part);
      parts.forEach(({ part, name }, i) => {
        if (part === i) return;
        const expected = recordingName(incarnation, i);
        throw new DamagedRecording(
          `${join(folder, name)}: found no ${expected} before it, expected all files in a row`,
        );
      });
      const files = parts.map(({ name }) => join(folder, name));
      const bytes = files.reduce((sum, path) => sum + statSync(path).size, 0);
      return { incarnation, files, isCut: parts.at(-1)!.isCut, bytes };
    });
}
