/** Runs commands as a person would, in a folder of their own, and keeps what they print. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { afterEach, beforeEach } from 'vitest';
import { main } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

export const FAKE_RUNNER = new URL('./fake-runner.ts', import.meta.url).href;
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const SCENARIO = `name: small
question: Does the command line do what its help says?
horizon: 2d
warmup: 6h
providers:
  cheap:
    count: 4
    region: eu
    capacity: {cpu: 16, memory: 64Gi, disk: 1Ti}
    cost: {cpu: 2 uakt/h}
    strategy: {costPlus: {margin: 0.2}}
    balance: 10 akash
  dear-and-slow:
    count: 2
    region: eu
    capacity: {cpu: 16, memory: 64Gi, disk: 1Ti}
    cost: {cpu: 9 uakt/h}
    strategy: {costPlus: {margin: 0.2}}
    balance: 10 akash
tenants:
  web:
    count: 20
    balance: 100 akash
    arrivals: {poisson: {every: 10m}}
    lifetime: 1h
    deployment:
      - groups:
          - {cpu: 1, memory: 2Gi, price: 90 uakt/h}
observe: {every: 1h}
expect: [match_share > 0.5]
`;

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A terminal of 80 columns without colours that keeps what it is given. */
export function recordingTerminal(): Terminal & { text(): { out: string; err: string } } {
  let out = '';
  let err = '';
  return {
    out: text => {
      out += text;
    },
    err: text => {
      err += text;
    },
    status: () => undefined,
    width: 80,
    colours: pc.createColors(false),
    env: {},
    text: () => ({ out, err }),
  };
}

/** A command within this process; `runner` null is the real one. */
export async function cli(args: readonly string[], runner: string | null = FAKE_RUNNER): Promise<Ended> {
  const terminal = recordingTerminal();
  const code = await main(args, terminal, { runner });
  return { code, ...terminal.text() };
}

/** Output with what differs from machine to machine replaced. */
export function steady(text: string): string {
  return text
    .replace(/simulated in [\d.]+ seconds?/g, 'simulated in N seconds')
    .replace(/ \([\d.,]+ ?[kM]? events\/s\)/g, '')
    .replace(/\([^()]* then\)/g, '(N then)');
}

/** Each test of a file works in an empty folder, with small.yaml in it. */
export function useFolder(): void {
  let folder = '';
  const before = process.cwd();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-test-'));
    process.chdir(folder);
    writeFileSync('small.yaml', SCENARIO);
  });
  afterEach(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });
}

/** Names in a folder, hidden ones too, in order. */
export function names(folder: string): string[] {
  return readdirSync(folder).sort((a, b) => (a < b ? -1 : 1));
}

/** A command in a process of its own. */
export function spawnCli(args: readonly string[]): {
  readonly process: ReturnType<typeof spawn>;
  readonly ended: Promise<Ended>;
} {
  const entry = fileURLToPath(new URL('./fake-cli.ts', import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => (signal === null ? resolve({ code: code ?? -1, out, err }) : reject(signal)));
  });
  return { process: child, ended };
}
