/**
 * Where daemons record: one folder holds those of any number of participants, each in a folder of its name. What one
 * participant has recorded is never mixed with what another one of the same name did.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Wire } from '../../../actors/wire.ts';
import { wireCodec } from '../../../actors/wire-bytes.ts';
import { FileRecorder } from '../../../worlds/live/record.ts';
import { type RecordingFiles, recordingsIn } from '../../../worlds/live/record-files.ts';
import { readFiles } from '../../../worlds/live/record-reader.ts';
import type { Recorder } from '../../../worlds/live/recorder.ts';
import { engineOf, VERSION } from '../../experiment/version-node.ts';
import { notWritten, UnusableHome } from '../home/files.ts';
import type { Role } from '../home/folder.ts';
import type { OpenHome } from '../home/open-home.ts';
import { type Origin, originOf, readOrigin } from '../home/origin.ts';
import type { Log } from './log.ts';

/** The head of a recording, with what its actor was made of. */
export interface RecordingOf {
  readonly name: string;
  readonly incarnation: number;
  readonly origin: Origin;
}

/**
 * Reads what a recording says of itself.
 * @throws DamagedRecording, UnusableHome
 */
export function recordingOf(files: RecordingFiles): RecordingOf {
  const place = files.files[0]!;
  const entries = readFiles<Wire, unknown>(files, wireCodec);
  const first = entries.next().value;
  entries.return(undefined);
  if (first?.kind !== 'head') throw new UnusableHome(`${place}: found no head, expected the recording of a daemon`);
  const { name, incarnation, origin } = first;
  return { name, incarnation, origin: readOrigin(place, origin) };
}

/**
 * What records the next incarnation of a home's participant.
 * @param root where recordings of participants lie
 * @throws UnusableHome when nothing can be written there, or somebody else has recorded under this name
 */
export function openRecorder(home: OpenHome<Role>, root: string, log: Log): Recorder<Wire, unknown> {
  const { name, address } = home.config;
  const folder = join(root, name);
  refuseForeign(folder, address, home.genesisHash);
  const origin = originOf(home, { version: VERSION, node: engineOf().node });
  try {
    return new FileRecorder<Wire, unknown>(folder, wireCodec, { origin, log: line => log.warn('recording', { line }) });
  } catch (error) {
    throw notWritten(folder, error);
  }
}

function refuseForeign(folder: string, address: string, genesisHash: string): void {
  if (!existsSync(folder)) return;
  const last = recordingsIn(folder).at(-1);
  if (last === undefined) return;
  const { origin } = recordingOf(last);
  if (origin.address === address && origin.genesisHash === genesisHash) return;
  throw new UnusableHome(
    `${folder}: found recordings of ${origin.address} on another chain or under another key, expected another place`,
  );
}
