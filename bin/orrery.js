#!/usr/bin/env node
/**
 * Starts orrery on the engine that it is made for. Results depend on the exact version of Node.js, so that a run is
 * only repeatable on the pinned one, which npm installs beside this package. Whatever Node.js starts this file finds
 * the pinned one and hands over to it; it is therefore written for old versions, too.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinned = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;

/** The source in a checkout, which runs as it is; JavaScript in the package. */
function entry() {
  const source = join(root, 'src', 'cli', 'main.ts');
  return existsSync(source) ? source : join(root, 'dist', 'cli', 'main.js');
}

/** Where npm may have put the engine: `node_modules` of every folder from a start upwards. */
function* candidates(start) {
  const { platform, arch } = process;
  const system = platform === 'win32' ? 'win' : platform;
  const own = `${platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node'}-${system}-${arch}`;
  const binary = platform === 'win32' ? 'node.exe' : 'node';
  for (let folder = start; ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules');
    yield join(modules, 'node', 'bin', binary);
    // What the package `node` installs within itself, also when its install script may not link it.
    yield join(modules, 'node', 'node_modules', own, 'bin', binary);
    yield join(modules, own, 'bin', binary);
    if (folder === parse(folder).root) return;
  }
}

/** The version of an engine by the package that it lies in; null when that says nothing. */
function versionOf(binary) {
  try {
    return JSON.parse(readFileSync(join(dirname(dirname(binary)), 'package.json'), 'utf8')).version;
  } catch {
    return null;
  }
}

function findEngine() {
  for (const start of [root, process.cwd()]) {
    for (const binary of candidates(start)) {
      if (existsSync(binary) && versionOf(binary) === pinned) return binary;
    }
  }
  return null;
}

function refuse() {
  process.stderr.write(
    `orrery: found Node.js ${process.version.slice(1)}, expected ${pinned}, the engine that results depend on.\n` +
      `It is not in node_modules, here or above. This gets it:\n\n` +
      `  npm install node@${pinned}\n\n` +
      `(npm 12 and later ask first: npm install node@${pinned} --allow-scripts=node)\n`,
  );
  process.exitCode = 2;
}

/** Runs orrery on another engine. Signals go to both when they come from a terminal, and are passed on otherwise. */
function handOver(engine) {
  const child = spawn(engine, [...process.execArgv, entry(), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', error => {
    process.stderr.write(`orrery: ${engine} could not be started: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    for (const one of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(one);
    process.kill(process.pid, signal);
  });
}

// Most of a short run's time is the loading of modules; compiled ones are kept between runs. Workers see the variable.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), `orrery-modules-${process.getuid?.() ?? 'user'}`);

if (process.version === `v${pinned}`) {
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
  const { mainOfProcess } = await import(pathToFileURL(entry()).href);
  await mainOfProcess();
} else {
  const engine = findEngine();
  if (engine === null) refuse();
  else handOver(engine);
}
