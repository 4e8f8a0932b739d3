/**
 * How long before its beginning a live run starts its processes. The time of the genesis is written into every home before
 * anybody starts, and who starts after it begins with a chain that stood still: so it is estimated, from what is known of
 * this machine. The launcher itself has just loaded about twice what a daemon loads, and told by that how fast the machine
 * is and how busy; daemons share its cores.
 */
import { availableParallelism } from 'node:os';

/** How long this process took to load all that a launcher needs. */
const LOADED_MS = performance.now();
/** A launcher that is part of something larger has loaded more; the machine is not that slow. */
const MOST_MS = 8_000;
/** What a daemon does until it takes part, as a share of what the launcher did. */
const SHARE = 0.6;
/** Homes are written, ports found, connections made. */
const BESIDES_MS = 1_000;

/**
 * From now to the beginning of a run, milliseconds.
 * @param members processes that are to be started
 */
export function leadOf(members: number, loaded_ms = LOADED_MS, cores = availableParallelism()): number {
  const one = SHARE * Math.min(loaded_ms, MOST_MS);
  return Math.ceil(BESIDES_MS + one * Math.max(1, members / cores));
}
