/** Whose recordings there are, of which chain and made by which code. All that is given is looked at as one network. */
import { resolve } from 'node:path';
import type { RecordingFiles } from '../../../worlds/live/record-files.ts';
import { recordingOf } from '../daemon/recordings.ts';
import { UnusableHome } from '../home/files.ts';
import type { Role } from '../home/folder.ts';
import type { Origin } from '../home/origin.ts';
import { recordingsAt } from './recordings-at.ts';

/** One incarnation, recorded. */
export interface FoundRecording {
  readonly files: RecordingFiles;
  /** The code that ran. */
  readonly code: Pick<Origin, 'version' | 'node'>;
}

/** A participant with its recorded incarnations, in order. */
export interface RecordedParticipant {
  readonly name: string;
  readonly address: string;
  readonly role: Role;
  readonly recordings: readonly FoundRecording[];
}

/**
 * The recordings that paths lead to, by participant, in order of their names.
 * @throws UnusableHome when there are none, or they do not belong together; DamagedRecording
 */
export function findRecordings(paths: readonly string[]): RecordedParticipant[] {
  const all = new Map<string, RecordingFiles>();
  for (const path of paths) for (const files of recordingsAt(path)) all.set(resolve(files.files[0]!), files);
  const participants = new Map<string, RecordedParticipant & { recordings: FoundRecording[] }>();
  let chain: { genesisHash: string; place: string } | null = null;
  for (const files of all.values()) {
    const place = files.files[0]!;
    const { name, incarnation, origin } = recordingOf(files);
    const { address, role, genesisHash, version, node } = origin;
    chain ??= { genesisHash, place };
    if (genesisHash !== chain.genesisHash) {
      throw new UnusableHome(`${place}: found a recording of another chain than ${chain.place}, expected one chain`);
    }
    if (incarnation !== files.incarnation) {
      throw new UnusableHome(`${place}: found incarnation ${incarnation}, expected that of its name`);
    }
    const one = participants.get(name) ?? { name, address, role, recordings: [] };
    if (one.address !== address || one.recordings.some(other => other.files.incarnation === incarnation)) {
      throw new UnusableHome(`${place}: found a second participant called ${name}, expected each name once`);
    }
    one.recordings.push({ files, code: { version, node } });
    participants.set(name, one);
  }
  for (const { recordings } of participants.values()) {
    recordings.sort((a, b) => a.files.incarnation - b.files.incarnation);
  }
  return [...participants.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
