/**
 * Making a workload's container and taking it away again: image, network, volumes, ports, container, in this order and
 * back. Knows nothing of what was told to whom; a launch either succeeds or leaves nothing behind but what its network
 * shares.
 */
import type Docker from 'dockerode';
import type { WorkloadSpec } from '../../../actors/actor.ts';
import type { Access } from './access.ts';
import { containerOptions, persistentMounts, specObjection } from './container-config.ts';
import { type Engine, EngineError, type EngineFacts, reasonOf } from './engine.ts';
import type { Images } from './images.ts';
import type { Isolation } from './isolation.ts';
import { containerName, type GivenPort, isOwn } from './labels.ts';
import type { DockerSettings } from './options.ts';
import { NO_PORTS, type PublishedPorts, type Publisher } from './publisher.ts';
import { removeContainer } from './removal.ts';
import { Turns, unlessAborted } from './turns.ts';
import { NO_QUOTA, type Volumes } from './volumes.ts';

/** How long the engine may take to create, start or stop a container. */
const SLOW_CALL_MS = 120_000;

export interface Launched {
  readonly container: string;
  readonly ports: PublishedPorts;
}

export interface LauncherParts {
  readonly engine: Engine;
  readonly settings: DockerSettings;
  readonly facts: EngineFacts;
  readonly isolation: Isolation;
  readonly access: Access;
  readonly images: Images;
  readonly volumes: Volumes;
  readonly publisher: Publisher;
}

export class Launcher {
  readonly #parts: LauncherParts;
  /** A network is not removed while somebody is about to enter it. */
  readonly #networkTurns = new Turns();
  /** Whether the storage driver limits sizes; found out with the first container. */
  #storageQuota: boolean;

  constructor(parts: LauncherParts) {
    this.#parts = parts;
    const { storageDriver, backingFilesystem } = parts.facts;
    // This one is known without a trial, and by far the most frequent.
    this.#storageQuota = !(storageDriver === 'overlay2' && backingFilesystem !== 'xfs');
  }

  /** Whether containers are held to their disk by the storage driver, as far as is known. */
  get limitsDisk(): boolean {
    return this.#storageQuota;
  }

  /** Why a workload will not run here, whatever the engine says; null when nothing is known against it. */
  objection(spec: WorkloadSpec): string | null {
    const { images, access, settings, volumes } = this.#parts;
    const [port] = spec.service?.ports ?? [];
    const objection =
      specObjection(spec) ?? images.objection(spec.image) ?? (port === undefined ? null : access.objection(port));
    if (objection !== null) return objection;
    if (settings.disk === 'enforce' && (!this.#storageQuota || !volumes.hasQuota)) {
      return `the engine cannot hold a container to its disk (${this.#parts.facts.storageDriver})`;
    }
    return null;
  }

  /** The image of a workload, fetched if need be. Gives up at the signal; a pull that has begun goes on for others. */
  async image(spec: WorkloadSpec, signal: AbortSignal): Promise<Docker.ImageInspectInfo> {
    return await unlessAborted(this.#parts.images.ensure(spec.image, spec.service?.credentials ?? null), signal);
  }

  /**
   * Starts a workload. Throws with the reason why it did not, and has then removed what it made.
   * @param before ports that it had the last time
   */
  async launch(
    spec: WorkloadSpec,
    image: Docker.ImageInspectInfo,
    before: readonly GivenPort[],
    signal: AbortSignal,
  ): Promise<Launched> {
    const { publisher, isolation } = this.#parts;
    await isolation.firewall?.ensure();
    signal.throwIfAborted();
    const ports = spec.service === null ? NO_PORTS : await publisher.open(spec.service.ports, before);
    try {
      const container = await this.#create(spec, image, ports, signal);
      signal.throwIfAborted();
      await this.#parts.engine.call(
        `start ${spec.id}`,
        (docker, abortSignal) => docker.getContainer(container).start({ abortSignal }),
        SLOW_CALL_MS,
      );
      await this.aim(container, spec.service?.network ?? null, ports);
      return { container, ports };
    } catch (error) {
      await ports.close();
      if (!this.#parts.engine.isClosed) await this.#removeAfter(spec.id, error);
      throw error;
    }
  }

  /** Lets connections through to a container that runs. */
  async aim(container: string, network: string | null, ports: PublishedPorts): Promise<void> {
    if (ports.given.length === 0 || network === null) return;
    ports.aim(await this.#parts.access.ways(network, await this.inspect(container)));
  }

  /** Takes the host ports of a container that runs, those that it has if they are free. */
  async adoptPorts(container: string, network: string | null, given: readonly GivenPort[]): Promise<PublishedPorts> {
    if (given.length === 0) return NO_PORTS;
    const ports = await this.#parts.publisher.open(given, given);
    try {
      await this.aim(container, network, ports);
    } catch (error) {
      await ports.close();
      throw error;
    }
    return ports;
  }

  async inspect(container: string): Promise<Docker.ContainerInspectInfo> {
    return await this.#parts.engine.call('look at a container', (docker, abortSignal) =>
      docker.getContainer(container).inspect({ abortSignal }),
    );
  }

  /** Asks a container to end, and kills it when it does not. */
  async stop(container: string, grace_s: number): Promise<void> {
    try {
      await this.#parts.engine.call(
        'stop a container',
        (docker, abortSignal) => docker.getContainer(container).stop({ t: grace_s, abortSignal }),
        grace_s * 1000 + SLOW_CALL_MS,
      );
    } catch (error) {
      const isOver = error instanceof EngineError && (error.status === 304 || error.status === 404);
      if (!isOver) throw error;
    }
  }

  async kill(container: string): Promise<void> {
    await this.#parts.engine.call('kill a container', (docker, abortSignal) =>
      docker.getContainer(container).kill({ abortSignal }),
    );
  }

  /** Removes a container, by its id or name, with its own volumes; one that is not there is none. */
  remove(container: string): Promise<void> {
    return removeContainer(this.#parts.engine, container);
  }

  removeWorkload(id: string): Promise<void> {
    return this.remove(containerName(this.#parts.settings.owner, id));
  }

  /** Removes a private network and its volumes, unless by now somebody is in it. */
  async removeNetwork(network: string, isUsed: () => boolean): Promise<void> {
    await this.#networkTurns.run(network, async () => {
      if (isUsed()) return;
      await this.#parts.access.leave(network);
      await this.#parts.isolation.networks.remove(network);
      await this.#parts.volumes.removeOf(network);
    });
  }

  async #create(
    spec: WorkloadSpec,
    image: Docker.ImageInspectInfo,
    ports: PublishedPorts,
    signal: AbortSignal,
  ): Promise<string> {
    const { service } = spec;
    if (service === null) return await this.#createIn(null, spec, image, ports);
    return await this.#networkTurns.run(service.network, async () => {
      signal.throwIfAborted();
      const network = await this.#parts.isolation.networks.ensure(service.network);
      if (persistentMounts(spec).length > 0) await this.#parts.volumes.ensure(spec);
      return await this.#createIn(network, spec, image, ports);
    });
  }

  async #createIn(
    network: string | null,
    spec: WorkloadSpec,
    image: Docker.ImageInspectInfo,
    ports: PublishedPorts,
  ): Promise<string> {
    const { engine, settings, facts, access, volumes } = this.#parts;
    for (let attempt = 1; ; attempt += 1) {
      const options = containerOptions(spec, {
        settings,
        network,
        enginePublishes: access.enginePublishes,
        ports: ports.given,
        storageQuota: this.#storageQuota,
        volumeQuota: volumes.hasQuota,
        cgroupVersion: facts.cgroupVersion,
        imageVolumes: Object.keys(image.Config.Volumes ?? {}),
      });
      try {
        const container = await engine.call(
          `create ${spec.id}`,
          (docker, abortSignal) => docker.createContainer({ ...options, Image: image.Id, abortSignal }),
          SLOW_CALL_MS,
        );
        return container.id;
      } catch (error) {
        if (attempt > 2 || !(error instanceof EngineError)) throw error;
        if (error.status === 409) await this.#removeNamesake(spec.id);
        else if (error.status !== null && this.#storageQuota && NO_QUOTA.test(error.message)) this.#hasNoQuota();
        else throw error;
      }
    }
  }

  /** What has the name of a workload that is about to be made was left by an earlier start of it. */
  async #removeNamesake(id: string): Promise<void> {
    const { settings } = this.#parts;
    const info = await this.inspect(containerName(settings.owner, id));
    if (!isOwn(info.Config.Labels, settings.owner)) {
      throw new Error(`the container ${info.Name} is in the way of ${id} and is somebody else's`);
    }
    await this.remove(info.Id);
  }

  #hasNoQuota(): void {
    this.#storageQuota = false;
    const { settings, facts } = this.#parts;
    if (settings.disk === 'enforce') {
      throw new Error(`the engine cannot hold a container to its disk (${facts.storageDriver})`);
    }
  }

  async #removeAfter(id: string, cause: unknown): Promise<void> {
    try {
      await this.removeWorkload(id);
    } catch (error) {
      // Found again, without a workload that claims it, when the engine's list is next compared.
      this.#parts.settings.problem(`${id} failed (${reasonOf(cause)}) and was not removed: ${reasonOf(error)}`);
    }
  }
}
