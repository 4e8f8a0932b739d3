/**
 * Checks the published form: packs it, installs the archive into an empty folder as a user would, and runs a scenario of
 * the gallery there. Needs a network, and takes a minute; `npm test` covers everything else.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'orrery-package-'));

function run(cwd: string, program: string, ...args: string[]): void {
  console.log(`$ ${program} ${args.join(' ')}`);
  const { status, error } = spawnSync(program, args, { cwd, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args[0]} ended with ${status}`);
}

try {
  run(root, 'npm', 'pack', '--silent', '--pack-destination', folder);
  const archive = readdirSync(folder).find(name => name.endsWith('.tgz'));
  if (archive === undefined) throw new Error('npm pack made no archive');
  writeFileSync(join(folder, 'package.json'), '{"private": true, "allowScripts": {"node": true}}\n');
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', join(folder, archive));
  run(folder, 'npx', 'orrery', 'run', 'first-lease');
  run(folder, 'npx', 'orrery', 'replay', 'results/first-lease-1');
  run(folder, 'npx', 'orrery', 'new', 'mine.yaml');
  run(folder, 'npx', 'orrery', 'validate', 'mine.yaml');
  if (!existsSync(join(folder, 'results', 'first-lease-1', 'picture.svg'))) throw new Error('the run left no picture');
  console.log('the package works');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
