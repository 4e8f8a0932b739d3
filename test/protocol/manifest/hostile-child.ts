/**
 * Reads one hostile file in a process of its own and prints as JSON what that took and what came of it.
 *
 * Usage: node hostile-child.ts <name>
 */
import { readSdl } from '../../../src/protocol/manifest/sdl.ts';
import { HOSTILE } from './hostile-inputs.ts';

/** Milliseconds of reading, the largest memory of the process in MiB, and the first problem. */
export interface HostileResult {
  readonly ms: number;
  readonly mib: number;
  readonly ok: boolean;
  readonly message: string;
}

const source = HOSTILE[process.argv[2] ?? '']!.make();
const start = performance.now();
const used = process.cpuUsage();
const reading = readSdl(source);
const { user, system } = process.cpuUsage(used);
// What a machine does that is busy elsewhere is not the reader's time; nor is what collects garbage beside it.
const ms = Math.min(performance.now() - start, (user + system) / 1000);
const result: HostileResult = {
  ms,
  mib: process.resourceUsage().maxRSS / 1024,
  ok: reading.ok,
  message: reading.ok ? '' : reading.problems[0]!.message,
};
process.stdout.write(JSON.stringify(result));
