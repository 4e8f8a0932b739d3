/**
 * Volumes for mounts that outlast their container, and what the engine can hold them to.
 *
 * A volume lives as long as its lease has a network: both go when the last of its workloads is stopped.
 */
import type { WorkloadSpec } from '../../../actors/actor.ts';
import { persistentMounts } from './container-config.ts';
import { type Engine, EngineError, isMissing } from './engine.ts';
import { isOwn, LABELS, labelFilters, ownerLabels, volumeName } from './labels.ts';
import type { DockerSettings } from './options.ts';

/** A volume that is made and removed to see whether volumes can have a size. */
const TRIAL = 'a trial of sizes';

/** What engines say when a driver cannot limit a size. */
export const NO_QUOTA = /quota|storage-opt|not supported/i;

export class Volumes {
  readonly #engine: Engine;
  readonly #settings: DockerSettings;
  /** Whether volumes can be given a size. */
  readonly hasQuota: boolean;

  private constructor(engine: Engine, settings: DockerSettings, hasQuota: boolean) {
    this.#engine = engine;
    this.#settings = settings;
    this.hasQuota = hasQuota;
  }

  /** Finds out by trial whether the engine can give a volume a size. */
  static async open(engine: Engine, settings: DockerSettings): Promise<Volumes> {
    const name = volumeName(settings.owner, TRIAL, TRIAL);
    let hasQuota = true;
    try {
      await engine.call('try a volume with a size', (docker, abortSignal) =>
        docker.createVolume({
          Name: name,
          Driver: 'local',
          DriverOpts: { size: '1048576' },
          Labels: ownerLabels(settings.owner),
          abortSignal,
        }),
      );
    } catch (error) {
      if (!(error instanceof EngineError) || error.status === null || !NO_QUOTA.test(error.message)) throw error;
      hasQuota = false;
    }
    const volumes = new Volumes(engine, settings, hasQuota);
    await volumes.#remove(name);
    return volumes;
  }

  /** Makes the volumes of a workload that are not there yet. */
  async ensure(spec: WorkloadSpec): Promise<void> {
    const { owner } = this.#settings;
    for (const mount of persistentMounts(spec)) {
      // Creating a volume that is there is no error for an engine, and changes nothing.
      await this.#engine.call(`create the volume ${mount.name} of ${spec.id}`, (docker, abortSignal) =>
        docker.createVolume({
          Name: volumeName(owner, spec.id, mount.name),
          Driver: 'local',
          DriverOpts: this.hasQuota ? { size: String(mount.size) } : {},
          Labels: {
            ...ownerLabels(owner),
            [LABELS.lease]: spec.service?.network ?? '',
            [LABELS.workload]: spec.id,
            [LABELS.size]: String(mount.size),
          },
          abortSignal,
        }),
      );
    }
  }

  /** The private networks whose volumes are there. */
  async networks(): Promise<ReadonlySet<string>> {
    return new Set((await this.#list()).map(one => one.network));
  }

  /** Removes the volumes of a private network's workloads. */
  async removeOf(network: string): Promise<void> {
    for (const volume of await this.#list()) if (volume.network === network) await this.#remove(volume.name);
  }

  async #list(): Promise<{ readonly name: string; readonly network: string }[]> {
    const { owner } = this.#settings;
    const { Volumes: found } = await this.#engine.call('list the volumes', (docker, abortSignal) =>
      docker.listVolumes({ filters: { label: labelFilters(owner) }, abortSignal }),
    );
    // Those of an image's own have no lease on them, and go with their container.
    return (found ?? [])
      .filter(volume => isOwn(volume.Labels, owner) && volume.Labels[LABELS.lease] !== undefined)
      .map(volume => ({ name: volume.Name, network: volume.Labels[LABELS.lease]! }));
  }

  async #remove(name: string): Promise<void> {
    try {
      await this.#engine.call(`remove the volume ${name}`, (docker, abortSignal) =>
        docker.getVolume(name).remove({ abortSignal }),
      );
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}
