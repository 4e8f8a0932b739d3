/**
 * Removes everything that backends have made at an engine for a network, a run or a provider: containers, networks,
 * volumes, rules of the firewall. For `--clean`, for the end of a run that was cut short, and for tests.
 */
import { Engine, EngineError, isMissing, reasonOf } from './engine.ts';
import { removeRules } from './firewall.ts';
import { labelFilters } from './labels.ts';
import type { DockerOwner } from './options.ts';
import { pause, Slots } from './turns.ts';

/** Most removals at a time. */
const REMOVERS = 8;

/** How long one may take. */
const REMOVE_MS = 60_000;

/** How often a thing is tried that is still in use, or whose removal is under way. */
const TRIES = 25;
const TRY_MS = 200;

export interface CleanedUp {
  readonly containers: number;
  readonly networks: number;
  readonly volumes: number;
  readonly rules: number;
}

/**
 * Removes all that belongs to what is named, running or not. No process may be using it any more.
 * @param whose at least one of network, provider and run; what carries all that are given is removed
 * @param engine where the engine is; null: as for a backend that was told nothing
 * Throws when nothing is named, when no engine answers, and, after all else is removed, when something could not be.
 */
export async function cleanUp(whose: Partial<DockerOwner>, engine: string | null = null): Promise<CleanedUp> {
  const label = labelFilters(whose);
  if (label.length === 0) throw new Error('cleaning up wants a network, a provider or a run, found none of them');
  const at = new Engine(engine);
  try {
    const filters = { label };
    const failures: string[] = [];
    const containers = await at.call('list the containers', (docker, abortSignal) =>
      docker.listContainers({ all: true, filters, abortSignal }),
    );
    await removeAll(failures, containers, ({ Id }) =>
      at.call(
        `remove container ${Id}`,
        (docker, abortSignal) => docker.getContainer(Id).remove({ force: true, v: true, abortSignal }),
        REMOVE_MS,
      ),
    );
    const networks = await at.call('list the networks', (docker, abortSignal) =>
      docker.listNetworks({ filters, abortSignal }),
    );
    await removeAll(failures, networks, ({ Id }) =>
      at.call(`remove network ${Id}`, docker => docker.getNetwork(Id).remove(), REMOVE_MS),
    );
    const { Volumes } = await at.call('list the volumes', (docker, abortSignal) =>
      docker.listVolumes({ filters, abortSignal }),
    );
    const volumes = Volumes ?? [];
    await removeAll(failures, volumes, ({ Name }) =>
      at.call(
        `remove volume ${Name}`,
        (docker, abortSignal) => docker.getVolume(Name).remove({ abortSignal }),
        REMOVE_MS,
      ),
    );
    // Last: as long as a container runs, it is guarded.
    const rules = failures.length === 0 ? await removeRules(whose) : 0;
    if (failures.length > 0) throw new Error(`not all could be removed: ${failures.join('; ')}`);
    return { containers: containers.length, networks: networks.length, volumes: volumes.length, rules };
  } finally {
    at.close();
  }
}

async function removeAll<T>(failures: string[], things: readonly T[], remove: (thing: T) => Promise<unknown>) {
  const slots = new Slots(REMOVERS);
  await Promise.all(
    things.map(thing =>
      slots.run(async () => {
        try {
          await insist(() => remove(thing));
        } catch (error) {
          failures.push(reasonOf(error));
        }
      }),
    ),
  );
}

/** Tries until it is gone, a bounded number of times. */
async function insist(remove: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await remove();
      return;
    } catch (error) {
      if (isMissing(error)) return;
      const inTheWay = error instanceof EngineError && (error.status === 409 || error.status === 403);
      if (!inTheWay || attempt >= TRIES) throw error;
      await pause(TRY_MS);
    }
  }
}
