/**
 * The hold model on Orrery's own kernel: the classic measure of an event queue. A fixed number of events is pending;
 * each step takes the next one and schedules it again after an exponential increment. The increments come from a table
 * drawn beforehand, so that the queue is measured and not a random generator. bench/peers holds the same program for
 * other simulators.
 *
 *   node bench/hold.ts [pending] [events]
 */
import { EventQueue } from '../src/worlds/simulated/kernel.ts';
import { RandomStreams } from '../src/worlds/simulated/streams.ts';

export interface HoldResult {
  readonly scheduler: string;
  readonly pending: number;
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
}

/** Increments in the table; a power of two, so that an index wraps by masking. */
const TABLE = 65_536;

/** Mean increment in microseconds. */
const MEAN_US = 1_000_000;

/**
 * Runs the hold model once.
 * @param pending events in the queue at any time
 * @param events steps that are timed; a tenth as many are run before, untimed
 */
export function run(pending: number, events: number): HoldResult {
  const stream = new RandomStreams('hold').stream('increment', 'table');
  const increments = new Float64Array(TABLE);
  for (let i = 0; i < TABLE; i++) increments[i] = Math.round(-Math.log(1 - stream.uniform()) * MEAN_US);
  const queue = new EventQueue<null, null>(null, null, pending + 1);
  for (let i = 0; i < pending; i++) queue.push(increments[i % TABLE]!, 0, 1, null, null);
  hold(queue, increments, Math.ceil(events / 10));
  const start = performance.now();
  hold(queue, increments, events);
  const seconds = (performance.now() - start) / 1000;
  if (queue.size !== pending) throw new Error(`${pending} events should be pending, found ${queue.size}`);
  return { scheduler: 'orrery', pending, events, seconds, eventsPerSecond: Math.round(events / seconds) };
}

function hold(queue: EventQueue<null, null>, increments: Float64Array, events: number): void {
  for (let i = 0; i < events; i++) {
    queue.pop();
    queue.push(queue.time + increments[i & (TABLE - 1)]!, 0, 1, null, null);
  }
}

if (import.meta.main) {
  const pending = Number(process.argv[2] ?? 10_000);
  const events = Number(process.argv[3] ?? 10_000_000);
  if (!Number.isSafeInteger(pending) || pending < 1 || !Number.isSafeInteger(events) || events < 1) {
    throw new Error(`expected two positive integers (pending, events), found ${process.argv.slice(2).join(' ')}`);
  }
  console.log(JSON.stringify(run(pending, events)));
}
