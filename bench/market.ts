/**
 * The market benchmark: the whole production path (signed transactions, mempool, blocks, matcher, ledger, provider and
 * tenant agents, network, containers) on the market of bench/peers/README.md: regions of 10 providers with 8 slots,
 * about five bids an order spread over 5 s, leases exp(1200 s), Poisson arrivals at load .75.
 */

import { runScenario } from '../src/lab/experiment/run-scenario.ts';
import { checkProtocolParams } from '../src/lab/scenario/chain-params.ts';
import { loadScenario } from '../src/lab/scenario/load.ts';
import { ed25519Scheme } from '../src/worlds/live/ed25519.ts';

export interface MarketOptions {
  readonly providers: number;
  readonly orders: number;
  readonly seed: number;
  readonly commitments: 'off' | 'every_block';
  readonly signatures: 'keyed-hash' | 'ed25519';
  readonly invariants: 'every_block' | 'end';
}

const SLOTS = 8;
const LEASE_S = 1200;
const LOAD = 0.75;

/** The scenario as text: what a user would write. */
function marketScenario(options: MarketOptions): string {
  const { providers, orders } = options;
  const regions = Array.from({ length: Math.max(1, Math.round(providers / 10)) }, (_, i) => `r${i}`);
  const rate = (LOAD * providers * SLOTS) / LEASE_S;
  const list = `[${regions.join(', ')}]`;
  return `
name: market-benchmark
question: How many orders a second does the whole market take?
horizon: ${Math.ceil(orders / rate)}s
chain:
  blockInterval: 1s
  commitments: ${options.commitments}
  signatures: ${options.signatures}
  invariants: ${options.invariants}
  params: { reconfirmationPeriod: 3600, resetGrace: 600 }
network: { latency: 40ms }
providers:
  seller:
    count: ${providers}
    region: ${list}
    capacity: { cpu: ${SLOTS}, memory: ${SLOTS}Gi, disk: 100Gi }
    cost: { cpu: { uniform: [5000 uakt/h, 15000 uakt/h] }, memory: 0 uakt/h, disk: 0 uakt/h }
    strategy: { costPlus: { margin: { uniform: [0, 0.5] } } }
    reserve: none
    bidProbability: 0.88
    bidDelay: { uniform: [0s, 5s] }
    stake: 0 akash
    balance: 1000000 akash
    containers: { pull: 0s, start: 1s, stop: 1s }
tenants:
  buyer:
    count: ${Math.max(100, providers)}
    balance: 1000000 akash
    arrivals: { poisson: { every: ${Math.round(1e6 / rate)}us } }
    lifetime: { exponential: ${LEASE_S}s }
    escrow: { periods: 3 }
    waitDuration: 6
    openFor: 6s
    deployment:
      - region: ${list}
        groups: [{ cpu: 1, memory: 1Gi, disk: 1Gi, price: 30000 uakt/h, collateral: 0.1 akash }]
observe: { every: 1h, files: [] }
`;
}

export interface MarketFigures {
  readonly orders: number;
  readonly seconds: number;
  readonly ordersPerSecond: number;
  readonly eventsPerSecond: number;
  readonly eventsPerOrder: number;
  readonly transactionsPerOrder: number;
  readonly bidsPerOrder: number;
  readonly matchedShare: number;
  readonly utilisation: number;
  readonly traceHash: string;
}

/**
 * Runs the market and times it, the building of the world included.
 * @param onProgress is told the share of the run that is done
 */
export function marketRun(options: MarketOptions, onProgress?: (share: number) => void): MarketFigures {
  const { scenario } = loadScenario('bench.yaml', {
    readFile: () => marketScenario(options),
    checkParams: checkProtocolParams,
  });
  const start = performance.now();
  const result = runScenario(
    {
      scenario,
      seed: options.seed,
      trace: null,
      sink: { row() {} },
      ...(onProgress === undefined ? {} : { onProgress: ({ share }) => onProgress(share) }),
    },
    { ed25519: ed25519Scheme },
  );
  const seconds = (performance.now() - start) / 1000;
  const { summary } = result;
  const orders = Number(summary.orders);
  return {
    orders,
    seconds,
    ordersPerSecond: orders / seconds,
    eventsPerSecond: result.events / seconds,
    eventsPerOrder: result.events / orders,
    transactionsPerOrder: Number(summary.transactions) / orders,
    bidsPerOrder: Number(summary.bids_per_order),
    matchedShare: Number(summary.match_share),
    utilisation: Number(summary.utilisation),
    traceHash: result.traceHash,
  };
}

if (import.meta.main) {
  const [providers = '200', orders = '20000', commitments = 'off', invariants = 'end', signatures = 'keyed-hash'] =
    process.argv.slice(2);
  const figures = marketRun({
    providers: Number(providers),
    orders: Number(orders),
    seed: 1,
    commitments: commitments as 'off',
    signatures: signatures as 'keyed-hash',
    invariants: invariants as 'end',
  });
  console.log(JSON.stringify(figures));
}
