/** Memory over a long run of the market: heap in use, after collection, at a tenth of the run and at its end. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { marketRun } from './market.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

const orders = Number(process.argv[2] ?? 100_000);
let early: number | null = null;
const result = marketRun(
  { providers: 200, orders, seed: 1, commitments: 'off', signatures: 'keyed-hash', invariants: 'end' },
  share => {
    if (early === null && share >= 0.1) early = heap();
  },
);
const late = heap();
const before = early ?? late;
console.log(
  JSON.stringify({
    orders: result.orders,
    heapAtTenth_MiB: Math.round(before / 2 ** 20),
    heapAtEnd_MiB: Math.round(late / 2 ** 20),
    ratio: Math.round((late / before) * 1000) / 1000,
    residentPeak_MiB: Math.round(process.resourceUsage().maxRSS / 1024),
    ordersPerSecond: Math.round(result.ordersPerSecond),
  }),
);
