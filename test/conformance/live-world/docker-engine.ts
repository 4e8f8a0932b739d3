/**
 * Docker under the live world: one provider's workloads on a real engine. What the suite asks for is fitted to it: an
 * image that is there, and the least memory and disk with which containers start.
 */
import { randomBytes } from 'node:crypto';
import Docker from 'dockerode';
import type { WorkloadSpec } from '../../../src/actors/actor.ts';
import { cleanUp } from '../../../src/worlds/live/docker/clean-up.ts';
import { DockerContainers } from '../../../src/worlds/live/docker/containers.ts';
import { connectionTo } from '../../../src/worlds/live/docker/engine.ts';
import { containerName } from '../../../src/worlds/live/docker/labels.ts';
import type { ContainerEvents, Containers } from '../../../src/worlds/live/ports.ts';
import type { WorkloadEngine } from './engine.ts';

const LEAST_BYTES = 16 * 1024 * 1024;
const HOST_BYTES = 2 ** 30;

export class DockerEngine implements WorkloadEngine {
  private readonly address: string;
  private readonly image: string;
  private readonly hosts: number;
  private readonly owner = {
    network: `test-${randomBytes(4).toString('hex')}`,
    provider: 'conformance',
    run: null,
  };

  /** @param address of the engine @param image runs in every workload, and goes on */
  constructor(address: string, image: string, hosts: number) {
    this.address = address;
    this.image = image;
    this.hosts = hosts;
  }

  async attach(events: ContainerEvents): Promise<Containers> {
    const share = { cpu: 1_000, memory: HOST_BYTES, disk: HOST_BYTES, gpu: 0 };
    const containers = await DockerContainers.open(
      {
        owner: this.owner,
        hosts: Array.from({ length: this.hosts }, () => share),
        engine: this.address,
        isolation: 'firewall',
        pull: 'never',
        stopGrace_s: 1,
      },
      events,
    );
    return {
      list: () => containers.list(),
      start: spec => containers.start(this.fitted(spec)),
      stop: id => containers.stop(id),
      readLog: (id, lines) => containers.readLog(id, lines),
      close: () => containers.close(),
    };
  }

  async crash(id: string): Promise<void> {
    const docker = new Docker(connectionTo(this.address));
    await docker.getContainer(containerName(this.owner, id)).kill();
  }

  setHost(): Promise<void> {
    throw new Error('hosts are shares of one machine: an engine goes away as a whole');
  }

  async close(): Promise<void> {
    await cleanUp({ network: this.owner.network }, this.address);
  }

  private fitted(spec: WorkloadSpec): WorkloadSpec {
    return { ...spec, image: this.image, memory: LEAST_BYTES, disk: LEAST_BYTES };
  }
}
