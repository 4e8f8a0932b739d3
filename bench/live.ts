/**
 * The live chain on this machine: four validators with TLS and disks of their own, each a process, and one process that
 * pays. First without load, then with as many transfers as they take; what is measured is how many are in blocks, how
 * long a block and a transaction take, and what a validator's time goes into.
 *
 *     node bench/live.ts [seconds of each part]
 *
 * All share this machine's processors with whoever sends: more of them, or fewer validators on one, make more of it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child } from '../src/lab/live/run/children.ts';
import { type LivePlan, planLive } from '../src/lab/live/run/plan.ts';
import type { Report } from '../src/lab/live/run/words.ts';
import { checkProtocolParams } from '../src/lab/scenario/chain-params.ts';
import { loadScenario } from '../src/lab/scenario/load.ts';
import { ed25519Scheme } from '../src/worlds/live/ed25519.ts';
import { COSTS_FILE, type Costs, KINDS } from './live-costs.ts';
import { Payers, PROBE } from './live-payers.ts';

const PROGRAM = fileURLToPath(new URL('./live-costs.ts', import.meta.url));
const VALIDATORS = 4;
/** A block counts as committed when so many have executed it: more than two thirds. */
const QUORUM = 3;
const WARM_UP_MS = 5_000;
const FIRST_BLOCK_MS = 60_000;
const US_PER_MS = 1_000;

const SCENARIO = `
name: live-benchmark
question: How much does a chain of four validators on one machine take in?
horizon: 1h
chain: { blockInterval: 1s, validators: ${VALIDATORS}, signatures: ed25519 }
providers: {}
tenants:
  payer:
    count: 64
    balance: 100000 akash
    arrivals: { at: [50m] }
    deployment: &never [{ groups: [{ cpu: 1, memory: 1Gi, disk: 1Gi, price: 100 uakt/h }] }]
  ${PROBE}:
    count: 8
    balance: 100000 akash
    arrivals: { at: [50m] }
    deployment: *never
`;

type Figures = Readonly<Record<string, unknown>>;

/** When heights were proposed first and executed by each, microseconds since 1970. */
class Heights {
  readonly #proposed = new Map<number, number>();
  readonly #executed = new Map<number, number[]>();

  onReport(report: Report): void {
    if (report.type === 'observed' && report.metric === 'consensus/proposal') {
      if (!this.#proposed.has(report.value)) this.#proposed.set(report.value, report.time);
    } else if (report.type === 'executed') {
      const times = this.#executed.get(report.height) ?? [];
      this.#executed.set(report.height, times);
      times.push(report.time);
    }
  }

  get newest(): number {
    return Math.max(0, ...this.#executed.keys());
  }

  /** From proposals to a block that a quorum has executed, microseconds, for blocks executed in this time. */
  commitTimes(from: number, to: number): number[] {
    return this.#within(from, to).map(([height, done]) => done - (this.#proposed.get(height) ?? done));
  }

  /** Between two blocks, microseconds. */
  intervals(from: number, to: number): number[] {
    const all = this.#within(from, to).map(([, done]) => done);
    return all.slice(1).map((done, i) => done - (all[i] as number));
  }

  #within(from: number, to: number): [number, number][] {
    const done = [...this.#executed].flatMap(([height, times]): [number, number][] => {
      const at = [...times].sort((a, b) => a - b)[QUORUM - 1];
      return at === undefined || at < from || at > to ? [] : [[height, at]];
    });
    return done.sort((a, b) => a[0] - b[0]);
  }
}

/** A quantile of values in microseconds, in milliseconds; null of none. */
function quantile_ms(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  return Math.round(value / 100) / 10;
}

function spread(name: string, values: readonly number[]): Figures {
  return { [`${name}_p50_ms`]: quantile_ms(values, 0.5), [`${name}_p95_ms`]: quantile_ms(values, 0.95) };
}

/** What a validator's costs grew by in a time, each divided by the blocks of that time. */
function costsOf(home: string, from: number, to: number, blocks: number): Figures {
  const lines = readFileSync(join(home, COSTS_FILE), 'utf8').trimEnd().split('\n');
  const all = lines.map(line => JSON.parse(line) as Costs).filter(one => one.at_us >= from && one.at_us <= to);
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined || blocks === 0) throw new Error('found no costs in that time');
  const each = (left: number, right: number): number => Math.round((right - left) / blocks / 10) / 100;
  const own = KINDS.map(kind => [kind, each(first.self_us[kind], last.self_us[kind])] as const);
  const counted = own.reduce((sum, [, ms]) => sum + ms, 0);
  const wall = each(first.at_us, last.at_us);
  const busy = each(first.busy_us, last.busy_us);
  return {
    wall_ms: wall,
    waiting_ms: Math.round((wall - busy) * 100) / 100,
    busy_ms: busy,
    ...Object.fromEntries(own.map(([kind, ms]) => [`${kind}_ms`, ms])),
    tls_sockets_and_rest_ms: Math.round((busy - counted) * 100) / 100,
    cpu_ms: each(first.cpu_us, last.cpu_us),
    of_these_garbage_ms: each(first.garbage_us, last.garbage_us),
    disk_syncs: Math.round(((last.syncs - first.syncs) / blocks) * 100) / 100,
    disk_syncing_wall_ms: each(first.syncing_us, last.syncing_us),
    signed: Math.round(((last.signed - first.signed) / blocks) * 10) / 10,
    verified: Math.round(((last.verified - first.verified) / blocks) * 10) / 10,
  };
}

class Bench {
  readonly heights = new Heights();
  readonly children: readonly Child[];
  readonly plan: LivePlan;
  #failure: Error | null = null;

  constructor(plan: LivePlan, folder: string) {
    this.plan = plan;
    this.children = plan.members
      .filter(one => one.role === 'node')
      .map(
        ({ name, role, home }) =>
          new Child({
            name,
            role,
            home,
            program: PROGRAM,
            output: join(folder, `${name}.out`),
            onReport: report => this.heights.onReport(report),
            onDeath: why => {
              this.#failure = new Error(why);
            },
          }),
      );
  }

  async start(): Promise<void> {
    await Promise.all(this.children.map(one => one.start()));
    const end = Date.now() + FIRST_BLOCK_MS;
    while (this.heights.newest < 2) {
      if (Date.now() > end) throw new Error(`found no second block after ${FIRST_BLOCK_MS / 1_000} s, expected one`);
      await pause(50);
    }
  }

  /** Lets a time pass; the figures of it. */
  async part(ms: number, payers: Payers): Promise<{ readonly figures: Figures; readonly costs: Figures }> {
    const from = Date.now() * US_PER_MS;
    const before = payers.included;
    payers.latencies.length = 0;
    await pause(ms);
    const to = Date.now() * US_PER_MS;
    if (this.#failure !== null) throw this.#failure;
    const intervals = this.heights.intervals(from, to);
    const figures = {
      transactions_per_s: Math.round(((payers.included - before) / (to - from)) * 1e6),
      blocks: intervals.length + 1,
      ...spread('interval', intervals),
      ...spread('commit', this.heights.commitTimes(from, to)),
      ...spread('submit_to_commit', payers.latencies),
      probes: payers.latencies.length,
    };
    const home = this.plan.members[0]?.home as string;
    return { figures, costs: costsOf(home, from, to, intervals.length + 1) };
  }
}

function say(figure: string, fields: Figures): void {
  console.log(JSON.stringify({ figure, ...fields }));
}

async function main([seconds = '20']: readonly string[]): Promise<void> {
  const ms = Number(seconds) * 1_000;
  if (!(ms > 0)) throw new Error(`found ${seconds}, expected seconds`);
  const { scenario } = loadScenario('bench.yaml', { readFile: () => SCENARIO, checkParams: checkProtocolParams });
  const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-live-'));
  const begins = (Date.now() + 6_000) * US_PER_MS;
  const containers = { kind: 'none' } as const;
  const plan = await planLive({ scenario, seed: 1, scheme: ed25519Scheme, folder, begins, containers });
  const bench = new Bench(plan, folder);
  let payers: Payers | null = null;
  try {
    await bench.start();
    payers = await Payers.connect(plan);
    payers.probe();
    await pause(WARM_UP_MS);
    const idle = await bench.part(ms, payers);
    payers.pay();
    await pause(WARM_UP_MS);
    const busy = await bench.part(ms, payers);
    const { outstanding } = payers;
    say('live, 4 validators, no load but eight timed transfers', idle.figures);
    say('live, 4 validators, no load: a validator, per height', idle.costs);
    say(`live, 4 validators, saturated (${outstanding} transfers wait)`, busy.figures);
    say('live, 4 validators, saturated: a validator, per height', busy.costs);
  } finally {
    await payers?.close();
    await Promise.all(bench.children.map(one => one.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(process.argv.slice(2));
