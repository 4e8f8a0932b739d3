/** Watches how long a backend takes for what it is asked, and passes everything on. */
import type { WorkloadSpec } from '../../../actors/actor.ts';
import type { ContainerEvents, Containers } from '../../../worlds/live/ports.ts';

/** How long a workload took, microseconds. One of the two is null. */
export interface WorkloadTiming {
  readonly workload: string;
  readonly image: string;
  readonly start_us: number | null;
  readonly stop_us: number | null;
}

/** Workloads whose start or stop is waited for. */
const MAX_WAITING = 100_000;
const US_PER_MS = 1_000;

interface Asked {
  readonly image: string;
  readonly at_ms: number;
}

/**
 * A backend that is timed.
 * @param open opens the backend itself
 */
export async function timedContainers(
  events: ContainerEvents,
  open: (events: ContainerEvents) => Promise<Containers>,
  tell: (timing: WorkloadTiming) => void,
  now_ms: () => number = () => performance.now(),
): Promise<Containers> {
  const starting = new Map<string, Asked>();
  const stopping = new Map<string, Asked>();
  const images = new Map<string, string>();
  const note = (into: Map<string, Asked>, id: string, image: string): void => {
    if (into.size < MAX_WAITING) into.set(id, { image, at_ms: now_ms() });
  };
  const took = (asked: Asked): number => Math.round((now_ms() - asked.at_ms) * US_PER_MS);
  const inner = await open({
    ...events,
    workload: (id, event, reason, addresses) => {
      const start = starting.get(id);
      if (start !== undefined && event === 'started') {
        tell({ workload: id, image: start.image, start_us: took(start), stop_us: null });
      }
      starting.delete(id);
      const stop = stopping.get(id);
      if (event === 'stopped') {
        if (stop !== undefined) tell({ workload: id, image: stop.image, start_us: null, stop_us: took(stop) });
        stopping.delete(id);
        images.delete(id);
      }
      events.workload(id, event, reason, addresses);
    },
  });
  return {
    list: () => inner.list(),
    start: (spec: WorkloadSpec) => {
      images.set(spec.id, spec.image);
      note(starting, spec.id, spec.image);
      inner.start(spec);
    },
    stop: id => {
      const image = images.get(id);
      // What was found running was never asked for here: nobody knows its image, and nobody waits for it.
      if (image !== undefined) note(stopping, id, image);
      inner.stop(id);
    },
    readLog: (id, lines) => inner.readLog(id, lines),
    close: () => inner.close(),
  };
}
