/**
 * Makes dist/: JavaScript and types of src/, for the published package. Node.js runs TypeScript from a checkout and
 * refuses it below node_modules, so that only a package needs this. The old dist/ is removed first, because a file that
 * src/ has no more must not be published.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(join(root, 'dist'), { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status, error } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (error !== undefined) throw error;
for (const file of ['cli/main.js', 'lab/experiment/worker.js', 'lab/experiment/run-scenario.d.ts']) {
  if (status === 0 && !existsSync(join(root, 'dist', file))) throw new Error(`the build made no dist/${file}`);
}
process.exitCode = status ?? 1;
