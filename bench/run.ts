/**
 * All benchmarks: one JSON line per figure. Machines are shared and noisy, so every figure is a ratio of two programs
 * that took turns in this run, with the median of their rates beside it.
 *
 *     npm run bench                         all figures
 *     npm run bench -- kernel market        some of them
 *     npm run bench -- memory --orders 1000000
 *     npm run bench -- live                 four validators with TLS and disks: no ratios, for there is no peer
 *
 * Peers need g++, libns3-dev, libgsl-dev and python3-simpy3 (Debian); a figure whose peer is missing says so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const PEERS = join(HERE, 'peers');
const ROUNDS = 3;
/** Debian's own interpreter: the one that sees python3-simpy3. */
const PYTHON = '/usr/bin/python3';

type Figures = Readonly<Record<string, unknown>>;
/** Runs once and says how many of whatever it counts were done a second. */
type Contender = { readonly name: string; readonly run: () => { readonly rate: number; readonly figures: Figures } };

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function jsonLines(command: string, args: readonly string[]): Figures[] {
  const text = execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  return text
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Figures);
}

function ours(file: string, ...args: string[]): Figures {
  return jsonLines(process.execPath, [join(HERE, file), ...args])[0] as Figures;
}

function say(figure: string, fields: Figures): void {
  console.log(JSON.stringify({ figure, ...fields }));
}

/** Lets contenders take turns and prints the ratio of the first to each other one. */
function compare(figure: string, unit: string, bar: number | null, contenders: readonly Contender[]): void {
  const rates = contenders.map((): number[] => []);
  const last = contenders.map((): Figures => ({}));
  for (let round = 0; round < ROUNDS; round++) {
    contenders.forEach((contender, i) => {
      const { rate, figures } = contender.run();
      (rates[i] as number[]).push(rate);
      last[i] = figures;
    });
  }
  const mine = rates[0] as number[];
  contenders.slice(1).forEach((peer, i) => {
    const theirs = rates[i + 1] as number[];
    const ratio = median(mine.map((rate, round) => rate / (theirs[round] as number)));
    say(`${figure}: ${contenders[0]?.name} / ${peer.name}`, {
      ratio: round3(ratio),
      bar,
      met: bar === null ? null : ratio >= bar,
      [`${unit}_ours`]: Math.round(median(mine)),
      [`${unit}_theirs`]: Math.round(median(theirs)),
      ours: last[0],
      theirs: last[i + 1],
    });
  });
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The ns-3 program, compiled; null with a line that says why when it cannot be. */
function compiledNs3(folder: string): string | null {
  const binary = join(folder, 'hold-ns3');
  const args = [
    '-O3',
    '-march=native',
    '-std=c++17',
    '-DNDEBUG',
    join(PEERS, 'hold-ns3.cc'),
    '-o',
    binary,
    '-lns3-core',
  ];
  const made = spawnSync('g++', args, { encoding: 'utf8' });
  if (made.status === 0) return binary;
  say('kernel: ns-3', {
    skipped: 'g++, libns3-dev and libgsl-dev are needed',
    detail: (made.stderr ?? '').slice(0, 200),
  });
  return null;
}

function hasSimPy(): boolean {
  const found = existsSync(PYTHON) && spawnSync(PYTHON, ['-c', 'import simpy']).status === 0;
  if (!found) say('SimPy', { skipped: 'python3-simpy3 is needed' });
  return found;
}

function kernel(): void {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'));
  try {
    const own: Contender = {
      name: 'orrery',
      run: () => {
        const figures = ours('hold.ts', '10000', '3000000');
        return { rate: figures.eventsPerSecond as number, figures };
      },
    };
    const binary = compiledNs3(folder);
    if (binary !== null) {
      const best: Contender = {
        name: "ns-3's best scheduler",
        run: () => {
          const lines = jsonLines(binary, ['10000', '3000000']);
          const rates = lines.map(line => line.eventsPerSecond as number);
          const rate = Math.max(...rates);
          return { rate, figures: lines[rates.indexOf(rate)] as Figures };
        },
      };
      compare('kernel, hold model, 10,000 pending', 'events_per_s', 1, [own, best]);
    }
    if (!hasSimPy()) return;
    const simpy = (style: string): Contender => ({
      name: `SimPy (${style})`,
      run: () => {
        const figures = jsonLines(PYTHON, [join(PEERS, 'hold_simpy.py'), '10000', '300000', style])[0] as Figures;
        return { rate: figures.eventsPerSecond as number, figures };
      },
    });
    compare('kernel, hold model, 10,000 pending', 'events_per_s', 15, [own, simpy('process')]);
    compare('kernel, hold model, 10,000 pending', 'events_per_s', null, [own, simpy('schedule')]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run of the market: providers, orders, commitments, invariants, signatures. */
function market(name: string, orders: string, ...settings: string[]): Contender {
  return {
    name,
    run: () => {
      const figures = ours('market.ts', settings[0] ?? '200', orders, ...settings.slice(1));
      return { rate: figures.ordersPerSecond as number, figures };
    },
  };
}

function marketAgainstSimPy(orders: string): void {
  const own = market('orrery, whole lifecycle', orders);
  if (hasSimPy()) {
    for (const style of ['process', 'callback']) {
      const peer: Contender = {
        name: `SimPy, bare auction (${style})`,
        run: () => {
          const figures = jsonLines(PYTHON, [join(PEERS, 'auction_simpy.py'), orders, '1', style])[0] as Figures;
          return { rate: figures.ordersPerSecond as number, figures };
        },
      };
      compare('market', 'orders_per_s', 1, [own, peer]);
    }
  }
  compare('market with commitments every block', 'orders_per_s', null, [
    market('every block', orders, '200', 'every_block'),
    market('off', orders, '200', 'off'),
  ]);
  compare('market with Ed25519', 'orders_per_s', null, [
    market('ed25519', String(Number(orders) / 10), '200', 'off', 'end', 'ed25519'),
    market('keyed hash', String(Number(orders) / 10), '200', 'off', 'end', 'keyed-hash'),
  ]);
}

/** Events a second with a hundred times the providers. Orders so many that both have warmed up and filled with leases. */
function growth(): void {
  const at = (providers: string, orders: string): Contender => ({
    name: `${providers} providers`,
    run: () => {
      const figures = ours('market.ts', providers, orders);
      return { rate: figures.eventsPerSecond as number, figures };
    },
  });
  compare('growth', 'events_per_s', 0.4, [at('10000', '30000'), at('100', '20000')]);
}

/** Whether the heap at the end of a long run is what it was early in it. */
function memory(orders: string): void {
  const figures = ours('memory.ts', orders);
  say('memory over a long run', figures);
}

function workers(): void {
  const figures = ours('workers.ts');
  say('two workers / one', { ...figures, bar: 1.9 });
}

/** Validators without load, against the clock on the wall: each bar is a multiple of real time. */
function consensus(): void {
  const rows: readonly (readonly [string, number, ...string[]])[] = [
    ['4 validators, keyed hashes, a block a second', 20_000, '4', '20000', 'keyed-hash', '1'],
    ['4 validators, Ed25519, a block a second', 100, '4', '5000', 'ed25519', '1'],
    ['7 validators, keyed hashes, a block a second', 0, '7', '5000', 'keyed-hash', '1'],
    ['100 validators, Ed25519, a block in five seconds', 50, '100', '60', 'ed25519', '5'],
  ];
  for (const [name, bar, ...args] of rows) {
    const figures = ours('consensus.ts', ...args);
    const times = figures.timesRealTime as number;
    say(`consensus: ${name}`, {
      times_real_time: Math.round(times * 10) / 10,
      ...(bar === 0 ? {} : { bar, met: times >= bar }),
      events_per_s: Math.round(figures.eventsPerSecond as number),
      wall_per_height_us: Math.round(figures.wallPerHeight_us as number),
      ours: figures,
    });
  }
}

/** The live chain on this machine: its figures are this machine's, and of whatever else runs on it. */
function live(): void {
  for (const line of jsonLines(process.execPath, [join(HERE, 'live.ts')])) console.log(JSON.stringify(line));
}

const BENCHES: { readonly [name: string]: (orders: string) => void } = {
  kernel,
  market: marketAgainstSimPy,
  growth,
  memory,
  consensus,
  workers,
  live,
};

function main(args: readonly string[]): void {
  const at = args.indexOf('--orders');
  const given = at < 0 ? undefined : args[at + 1];
  const named = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
  const unknown = named.filter(name => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    console.error(`unknown benchmark ${unknown.join(', ')}; expected some of ${Object.keys(BENCHES).join(', ')}`);
    process.exit(2);
  }
  const defaults: { readonly [name: string]: string } = { market: '20000', memory: '1000000' };
  for (const name of named.length > 0 ? named : Object.keys(BENCHES)) {
    (BENCHES[name] as (orders: string) => void)(given ?? defaults[name] ?? '');
  }
}

main(process.argv.slice(2));
