/**
 * Runs a scenario: builds its world, lets demand arrive, watches, and sums up. Pure: files, clocks and signatures that
 * need an engine come in through ports, so that this runs in a worker and in a browser alike.
 */
import { keyedHashScheme, memoised, type SignatureScheme } from '../../protocol/codec/signature.ts';
import { startArrivals } from './arrivals.ts';
import { type BuiltWorld, buildWorld } from './build-world.ts';
import { Observation } from './observation.ts';
import { SdlBooks } from './sdl-books.ts';
import type { RunRequest, RunResult } from './types.ts';

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
  const { scenario, seed, trace } = request;
  const sdl = sdlBooks(request);
  const { world, watched, population, streams, genesis }: BuiltWorld = buildWorld({
    scenario,
    seed,
    trace,
    scheme: schemeOf(request, ports),
    // Nothing happens before the world runs, and then the observer is there.
    watch: (...block) => observation.onBlock(...block),
    onExecuted: (...execution) => observation.onExecuted(...execution),
    onObserve: (...observed) => observation.onObserve(...observed),
    onEnd: (...ended) => observation.onProcessEnded(...ended),
  });
  const observation = new Observation({
    request,
    population,
    genesis,
    sdl,
    state: () => watched.state,
    at: (time, label, action) => world.at(time, label, action),
  });
  const { traceHash } = world;
  if (request.window !== undefined) traceHash.watch(request.window.from, request.window.to);
  for (const time of request.noops ?? []) world.noop(time);
  observation.start();
  const { params } = genesis;
  for (const group of population.tenants) startArrivals(group, { world, scenario, trace, sdl, params, streams });
  const tell = (time: number): void =>
    request.onProgress?.({ share: time / scenario.horizon, time, events: world.eventsDispatched });
  world.run(scenario.horizon, { onSlice: tell });
  tell(scenario.horizon);
  return observation.finish({
    world: 'simulated',
    traceHash: traceHash.hex(),
    events: world.eventsDispatched,
    checkpoints: traceHash.checkpoints.map(({ index, hex }) => ({ events: index, hash: hex })),
    window: traceHash.lines.map(({ index, time, actor, text }) => ({ index, text: `${time} us ${actor}: ${text}` })),
  });
}
