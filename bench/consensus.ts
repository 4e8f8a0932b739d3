/**
 * The consensus benchmark: validators without load, each executing every block on its own, trace hash on, as every
 * simulated run has it. Measured against the clock on the wall: simulated seconds a second, and events a second.
 */
import { runScenario } from '../src/lab/experiment/run-scenario.ts';
import { checkProtocolParams } from '../src/lab/scenario/chain-params.ts';
import { loadScenario } from '../src/lab/scenario/load.ts';
import { ed25519Scheme } from '../src/worlds/live/ed25519.ts';

export interface ConsensusOptions {
  readonly validators: number;
  readonly blockInterval_s: number;
  readonly heights: number;
  readonly signatures: 'keyed-hash' | 'ed25519';
  readonly topology: 'mesh' | 'partial';
}

export interface ConsensusFigures {
  readonly validators: number;
  readonly heights: number;
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly eventsPerHeight: number;
  /** Simulated time over time on the wall. */
  readonly timesRealTime: number;
  readonly wallPerHeight_us: number;
  readonly traceHash: string;
}

/** The scenario as text: what a user would write. */
function chainScenario({ validators, blockInterval_s, heights, signatures, topology }: ConsensusOptions): string {
  return `
name: consensus-benchmark
question: What does agreement cost by itself?
horizon: ${heights * blockInterval_s}s
chain:
  blockInterval: ${blockInterval_s}s
  validators: ${validators}
  signatures: ${signatures}
  ${topology === 'partial' ? 'topology: { degree: 8 }' : 'topology: mesh'}
network: { latency: 40ms }
providers: {}
tenants: {}
observe: { every: ${Math.max(1, Math.floor((heights * blockInterval_s) / 10))}s, files: [] }
`;
}

/** Runs once and times it, the building of the world included. */
export function consensusRun(options: ConsensusOptions): ConsensusFigures {
  const { scenario } = loadScenario('bench.yaml', {
    readFile: () => chainScenario(options),
    checkParams: checkProtocolParams,
  });
  const start = performance.now();
  const result = runScenario({ scenario, seed: 1, trace: null, sink: { row() {} } }, { ed25519: ed25519Scheme });
  const seconds = (performance.now() - start) / 1000;
  const heights = Number(result.summary.blocks);
  return {
    validators: options.validators,
    heights,
    events: result.events,
    seconds,
    eventsPerSecond: result.events / seconds,
    eventsPerHeight: result.events / heights,
    timesRealTime: (heights * options.blockInterval_s) / seconds,
    wallPerHeight_us: (seconds / heights) * 1e6,
    traceHash: result.traceHash,
  };
}

if (import.meta.main) {
  const [validators = '4', heights = '20000', signatures = 'keyed-hash', interval = '1', topology = 'mesh'] =
    process.argv.slice(2);
  const figures = consensusRun({
    validators: Number(validators),
    heights: Number(heights),
    signatures: signatures as 'keyed-hash',
    blockInterval_s: Number(interval),
    topology: topology as 'mesh',
  });
  console.log(JSON.stringify(figures));
}
