/**
 * When deployments arrive: each arrival process of a scenario as an iterator of times over a window.
 *
 * Times are whole microseconds, ascending, from `first` (included) to `last` (excluded). An iterator draws as it is
 * asked, from one stream that is its own, so that a class's arrivals do not depend on what else is drawn in a run, and a
 * long run keeps nothing in memory.
 */

import type { RandomStream } from '../../actors/actor.ts';
import { sampler } from './distributions.ts';
import type { Trace, TracePod } from './trace.ts';
import { timeScaleFor } from './trace.ts';
import type { Arrivals, Workload } from './types.ts';

const DAY = 86_400_000_000;

/** From `first` (included) to `last` (excluded), microseconds. */
export interface ArrivalWindow {
  readonly first: number;
  readonly last: number;
}

/**
 * Arrival times of a class whose arrivals are not a trace. The first arrival of a Poisson or renewal process comes one
 * gap after the beginning of the window.
 * @throws Error for `trace`, which is for podArrivals
 */
export function arrivalTimes(arrivals: Arrivals, window: ArrivalWindow, stream: RandomStream): Generator<number, void> {
  switch (arrivals.kind) {
    case 'poisson':
      return poisson(arrivals.every, window, stream);
    case 'diurnal':
      return diurnal(arrivals, window, stream);
    case 'renewal':
      return renewal(sampler(arrivals.every, stream), window);
    case 'at':
      return listed(arrivals.times, window);
    case 'trace':
      throw new Error('found arrivals of a trace, expected a process without one (podArrivals replays traces)');
  }
}

/** An exponential gap with the given mean. */
function gap(mean: number, stream: RandomStream): number {
  return -Math.log1p(-stream.uniform()) * mean;
}

function* poisson(every: number, { first, last }: ArrivalWindow, stream: RandomStream): Generator<number, void> {
  // The sum is kept unrounded, so that rounding does not bias the rate.
  for (let time = first + gap(every, stream); time < last; time += gap(every, stream)) yield Math.floor(time);
}

/**
 * A Poisson process whose rate goes up and down with the day, by thinning (Lewis and Shedler 1979): candidates come at
 * the highest rate, and each is kept with probability rate(t) / highest rate.
 */
function* diurnal(
  { every, amplitude, peak }: { every: number; amplitude: number; peak: number },
  { first, last }: ArrivalWindow,
  stream: RandomStream,
): Generator<number, void> {
  const mean = every / (1 + amplitude);
  for (let time = first + gap(mean, stream); time < last; time += gap(mean, stream)) {
    const rate = 1 + amplitude * Math.cos((2 * Math.PI * ((time - peak) % DAY)) / DAY);
    if (stream.uniform() * (1 + amplitude) < rate) yield Math.floor(time);
  }
}

function* renewal(draw: () => number, { first, last }: ArrivalWindow): Generator<number, void> {
  // A draw that rounds to nothing still takes a microsecond: time must go on.
  for (let time = first + Math.max(1, draw()); time < last; time += Math.max(1, draw())) yield time;
}

function* listed(times: readonly number[], { first, last }: ArrivalWindow): Generator<number, void> {
  for (const time of times) if (time >= first && time < last) yield time;
}

/** A pod of a trace and when it arrives in the run. */
export interface PodArrival {
  readonly at: number;
  readonly pod: TracePod;
}

/** The time scale that a workload section asks for. */
export function workloadScale(workload: Workload, trace: Trace): number {
  return workload.scale.kind === 'timeScale'
    ? workload.scale.timeScale
    : timeScaleFor(trace, workload.scale.targetLoad);
}

/** The pods of a trace, the first at the beginning of the window, gaps divided by `timeScale`. */
export function* podArrivals(
  trace: Trace,
  timeScale: number,
  { first, last }: ArrivalWindow,
): Generator<PodArrival, void> {
  const origin = trace.pods[0]?.arrival ?? 0;
  for (const pod of trace.pods) {
    const at = first + Math.round((pod.arrival - origin) / timeScale);
    if (at >= last) return;
    yield { at, pod };
  }
}
