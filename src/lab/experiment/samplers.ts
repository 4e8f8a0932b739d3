/** Scenario distributions as what the simulated world draws from. */
import type { RandomStream } from '../../actors/actor.ts';
import { constantSampler, type LatencyModel, regionMatrix, type Sampler } from '../../worlds/simulated/latency.ts';
import { sampler } from '../scenario/distributions.ts';
import type { Distribution, NetworkOptions } from '../scenario/types.ts';

/** A distribution of durations as a world's sampler; one reader per stream, made when the stream is first seen. */
export function durationSampler(distribution: Distribution<'duration'>): Sampler {
  if (distribution.kind === 'constant') return constantSampler(Math.round(distribution.value));
  const readers = new WeakMap<RandomStream, () => number>();
  return {
    constant: null,
    sample(stream) {
      let read = readers.get(stream);
      if (read === undefined) {
        read = sampler(distribution, stream);
        readers.set(stream, read);
      }
      return read();
    },
  };
}

/** One-way latencies: half the round trip between named regions, the plain latency everywhere else. */
export function latencyModel(network: NetworkOptions): LatencyModel {
  const pairs = network.regions.map(({ from, to, p50, p90 }) => ({ from, to, p50_us: p50, p90_us: p90 }));
  return regionMatrix({ pairs, default: durationSampler(network.latency), roundTrip: true });
}
