/**
 * Runs a scenario: builds its world, lets demand arrive, watches, and sums up. Pure: files, clocks and signatures that
 * need an engine come in through ports, so that this runs in a worker and in a browser alike.
 */
import { keyedHashScheme, memoised, type SignatureScheme } from '../../protocol/codec/signature.ts';
import { allMonitors } from '../monitors/all-monitors.ts';
import type { Monitor } from '../monitors/monitor.ts';
import { gpuLoad } from '../scenario/trace.ts';
import { workloadScale } from '../scenario/workloads.ts';
import { startArrivals } from './arrivals.ts';
import { type BuiltWorld, buildWorld } from './build-world.ts';
import { ChainBooks } from './chain-books.ts';
import { ProviderBooks } from './ledger-of-providers.ts';
import { TenantBooks } from './ledger-of-tenants.ts';
import { validatorRow } from './ledger-of-validators.ts';
import { Recorder } from './recorder.ts';
import { SdlBooks } from './sdl-books.ts';
import { Sampler } from './series.ts';
import { providerRows, summarise } from './summary.ts';
import type { Cell, RunRequest, RunResult } from './types.ts';

/** Verdicts on signatures that a process keeps: those of some hundred heights of a hundred validators. */
const REMEMBERED_SIGNATURES = 65_536;

/** What only the engine underneath can give. */
export interface RunPorts {
  /** Real signatures, where there are any. */
  readonly ed25519: SignatureScheme | null;
}

function schemeOf(request: RunRequest, ports: RunPorts): SignatureScheme {
  if (request.scenario.chain.signatures === 'keyed-hash') return keyedHashScheme;
  if (ports.ed25519 === null)
    throw new Error('this engine has no Ed25519 signatures; signatures: keyed-hash needs none');
  // Every validator of a process checks the same signatures: those of a commit once more, block by block.
  return memoised(ports.ed25519, REMEMBERED_SIGNATURES);
}

function sdlBooks({ scenario, sdl }: RunRequest): SdlBooks | null {
  if (scenario.sdl === null) return null;
  if (sdl === null || sdl === undefined) throw new Error(`scenario ${scenario.name} needs its SDL files`);
  return new SdlBooks(scenario, sdl);
}

/**
 * Runs one scenario with one seed to its horizon.
 * @throws MonitorViolation or WorldError when a rule is broken: the run's result cannot be trusted then
 */
export function runScenario(request: RunRequest, ports: RunPorts): RunResult {
  const { scenario, seed, trace, sink } = request;
  const books = new Map<string, ProviderBooks>();
  const names = new Map<string, string>();
  const nameOf = (address: string): string => names.get(address) ?? address;
  const tenants = new Map<string, TenantBooks>();
  const { warmup, observe } = scenario;
  const recorder = new Recorder({ sink, files: observe.files, warmup, nameOf, books, tenants });
  const addresses = new Map<string, string>();
  let monitors: readonly Monitor[] = [];
  let chainBooks: ChainBooks | null = null;
  const sdl = sdlBooks(request);
  const built: BuiltWorld = buildWorld({
    scenario,
    seed,
    trace,
    scheme: schemeOf(request, ports),
    ...(sdl === null ? {} : { imagesOf: (lease: string) => sdl.imagesOf(lease) }),
    watch: (block, result, after, now) => {
      const { state } = after;
      const { failed, bytes } = recorder.watch(block, result);
      chainBooks?.onBlock(block, result, after, now, failed, bytes);
      sdl?.watch(block, result, state);
      for (const monitor of monitors) monitor.afterBlock(block, result, state);
    },
    onExecuted: (node, height, now) => chainBooks?.onExecuted(node, height, now),
    onObserve: (actor, time, metric, value, label) => {
      chainBooks?.onObserve(actor, time, metric, value);
      if (metric === 'default') recorder.tookOffer(addresses.get(actor) ?? '', label ?? '', BigInt(value));
    },
  });
  const { world, watched: chain, population, streams, genesis } = built;
  monitors = allMonitors(genesis, { fullEvery: scenario.chain.invariants?.every ?? 0 });
  const { validators } = population;
  const onRow = observe.files.includes('blocks') ? (cells: readonly Cell[]) => sink.row('blocks', cells) : null;
  const chained = new ChainBooks({ validators, nameOf, onRow });
  // One validator alone has no rounds, lapses or latencies to tell of.
  if (validators.length > 1 || observe.files.includes('blocks') || observe.files.includes('validators'))
    chainBooks = chained;
  for (const { address, name } of validators) names.set(address, name);
  for (const { members } of population.delegators) for (const { address, name } of members) names.set(address, name);
  for (const { spec, members } of population.providers) {
    for (const member of members) {
      names.set(member.address, member.name);
      addresses.set(member.name, member.address);
      books.set(member.address, new ProviderBooks(member, spec.name, scenario.warmup));
    }
  }
  for (const { members, className } of population.tenants) {
    for (const one of members) {
      names.set(one.address, one.name);
      tenants.set(one.address, new TenantBooks(className));
    }
  }

  if (request.window !== undefined) world.traceHash.watch(request.window.from, request.window.to);
  for (const time of request.noops ?? []) world.noop(time);
  const series = new Sampler({ world, scenario, recorder, books, chain, chainBooks: chained, sink });
  series.start();
  const { params } = genesis;
  for (const group of population.tenants) startArrivals(group, { world, scenario, trace, sdl, params, streams });

  const tell = (time: number): void =>
    request.onProgress?.({ share: time / scenario.horizon, time, events: world.eventsDispatched });
  world.run(scenario.horizon, { onSlice: tell });
  tell(scenario.horizon);
  recorder.finish(scenario.horizon);
  chained.finish();
  for (const monitor of monitors) monitor.atEnd(chain.state);
  const notes: string[] = [];
  if (scenario.workload !== null && trace !== null) {
    const gpus = trace.nodes.reduce((sum, node) => sum + node.gpu / 1000, 0);
    const scale = workloadScale(scenario.workload, trace);
    const load = gpuLoad(trace, scale);
    notes.push(
      `trace: ${trace.pods.length} pods on ${trace.nodes.length} nodes with ${gpus} GPUs; arrivals compressed ` +
        `${scale.toPrecision(5)} times, offered GPU load ${(100 * load).toPrecision(3)} %`,
    );
  }
  if (sdl !== null) {
    notes.push(...sdl.notes());
    for (const cells of sdl.rows()) sink.row('sdl', cells);
  }
  const { peak } = series;
  const input = { request, world, chain, chainBooks: chained, recorder, books, tenants, peak, population, sdl, notes };
  if (scenario.observe.files.includes('providers')) for (const row of providerRows(input)) sink.row('providers', row);
  if (scenario.observe.files.includes('validators')) {
    for (const one of chained.validators.values())
      sink.row('validators', validatorRow(one, chain.state, recorder.tally.blocks, scenario.horizon));
  }
  return summarise(input);
}
