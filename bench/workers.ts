/** Two workers against one, on four runs of the same market: wall time of whole processes of the command line. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

function seconds(workers: number): number {
  const out = mkdtempSync(join(tmpdir(), 'orrery-workers-'));
  rmSync(out, { recursive: true });
  const args = ['run', 'scenarios/spot-market.yaml', '--seeds', '1..4', '--workers', String(workers), '--out', out];
  const start = performance.now();
  execFileSync(process.execPath, [join(ROOT, 'bin', 'orrery.js'), ...args], { cwd: ROOT, stdio: 'ignore' });
  const elapsed = (performance.now() - start) / 1000;
  rmSync(out, { recursive: true, force: true });
  return elapsed;
}

const one = seconds(1);
const two = seconds(2);
console.log(JSON.stringify({ ratio: Math.round((one / two) * 1000) / 1000, seconds_one: one, seconds_two: two }));
