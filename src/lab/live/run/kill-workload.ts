/** Kills a container as a fault does: its provider is told by the engine, as of any container that dies. */
import { Engine } from '../../../worlds/live/docker/engine.ts';
import { LABELS, labelFilters } from '../../../worlds/live/docker/labels.ts';

/** Kills the oldest container that runs for a provider of a run; without one, nothing happens. */
export async function killOneWorkload(run: string, provider: string): Promise<void> {
  const engine = new Engine(null);
  try {
    // A provider's containers are not all workloads: relays are its own.
    const filters = { label: [...labelFilters({ run, provider }), LABELS.workload] };
    const running = await engine.call('list the containers', (docker, abortSignal) =>
      docker.listContainers({ filters, abortSignal }),
    );
    const oldest = running.sort((a, b) => a.Created - b.Created)[0];
    if (oldest === undefined) return;
    await engine.call(`kill container ${oldest.Id}`, docker => docker.getContainer(oldest.Id).kill());
  } finally {
    engine.close();
  }
}
