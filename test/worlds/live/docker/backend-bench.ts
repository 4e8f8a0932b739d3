/** What tests of the Docker backend share: a backend of an owner of its own, what it told, and an end that cleans up. */

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import Docker from 'dockerode';
import type { WorkloadAddress, WorkloadEvent, WorkloadService, WorkloadSpec } from '../../../../src/actors/actor.ts';
import { type CleanedUp, cleanUp } from '../../../../src/worlds/live/docker/clean-up.ts';
import { DockerContainers } from '../../../../src/worlds/live/docker/containers.ts';
import { connectionTo } from '../../../../src/worlds/live/docker/engine.ts';
import { containerName } from '../../../../src/worlds/live/docker/labels.ts';
import type { DockerOptions, DockerOwner } from '../../../../src/worlds/live/docker/options.ts';

/** How long anything that a test waits for may take. */
const PATIENCE_MS = 40_000;

export const MIB = 1024 * 1024;

export interface Told {
  readonly id: string;
  readonly event: WorkloadEvent;
  readonly reason: string;
  readonly addresses: readonly WorkloadAddress[];
}

/** A machine of four hosts for one provider, and the provider's ears. */
export class Bench {
  readonly owner: DockerOwner;
  readonly docker: Docker;
  readonly told: Told[] = [];
  readonly hosts: { readonly host: number; readonly up: boolean }[] = [];
  readonly problems: string[] = [];
  readonly #address: string;
  readonly #logs = new Map<string, readonly string[] | null>();
  #containers: DockerContainers | null = null;

  constructor(address: string, owner: Partial<DockerOwner> = {}) {
    this.#address = address;
    this.docker = new Docker(connectionTo(address));
    this.owner = { network: `test-${randomBytes(4).toString('hex')}`, provider: 'provider-0', run: null, ...owner };
  }

  get containers(): DockerContainers {
    if (this.#containers === null) throw new Error('the bench is not open');
    return this.#containers;
  }

  async open(options: Partial<DockerOptions> = {}): Promise<DockerContainers> {
    const share = { cpu: 1_000, memory: 1024 * MIB, disk: 1024 * MIB, gpu: 0 };
    this.#containers = await DockerContainers.open(
      {
        owner: this.owner,
        hosts: [share, share],
        engine: this.#address,
        isolation: 'firewall',
        pull: 'never',
        stopGrace_s: 1,
        problem: text => void this.problems.push(text),
        ...options,
      },
      {
        workload: (id, event, reason, addresses) => void this.told.push({ id, event, reason, addresses }),
        host: (host, up) => void this.hosts.push({ host, up }),
        log: (id, lines) => void this.#logs.set(id, lines),
      },
    );
    return this.#containers;
  }

  /** The process ends, its workloads do not. */
  async leave(): Promise<void> {
    await this.#containers?.close();
    this.#containers = null;
  }

  /** Ends everything, and says what there was to remove. */
  async end(): Promise<CleanedUp> {
    await this.leave();
    return await cleanUp({ network: this.owner.network }, this.#address);
  }

  /** Starts a workload and waits until it is told. Throws with the reason when it does not start. */
  async run(spec: WorkloadSpec): Promise<Told> {
    const from = this.told.length;
    this.containers.start(spec);
    const told = await this.next(spec.id, from);
    if (told.event !== 'started') throw new Error(`${spec.id} ${told.event}: ${told.reason}`);
    return told;
  }

  /** What is told next of a workload. */
  next(id: string, from = this.told.length): Promise<Told> {
    return until(`the next of ${id}`, () => this.told.slice(from).find(told => told.id === id));
  }

  async stop(id: string): Promise<Told> {
    const from = this.told.length;
    this.containers.stop(id);
    return await this.next(id, from);
  }

  async log(id: string, lines = 100): Promise<readonly string[] | null> {
    this.#logs.delete(id);
    this.containers.readLog(id, lines);
    await until(`the log of ${id}`, () => this.#logs.has(id));
    return this.#logs.get(id)!;
  }

  /** What a program inside of a workload's container writes, and its exit code. */
  async exec(
    id: string,
    command: readonly string[] | string,
  ): Promise<{ readonly code: number; readonly out: string }> {
    const words = typeof command === 'string' ? ['sh', '-c', command] : [...command];
    const container = this.docker.getContainer(containerName(this.owner, id));
    const exec = await container.exec({ Cmd: words, AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true, hijack: false });
    let out = '';
    for await (const chunk of stream) out += chunk;
    const { ExitCode } = await exec.inspect();
    return { code: ExitCode ?? -1, out };
  }

  async inspect(id: string): Promise<Docker.ContainerInspectInfo> {
    return await this.docker.getContainer(containerName(this.owner, id)).inspect();
  }
}

/** What `look` finds, as soon as it is neither false nor undefined. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  ms = PATIENCE_MS,
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) {
      return found as Exclude<T, null | undefined | false>;
    }
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await pause(50);
  }
}

export function workload(
  id: string,
  image: string,
  service: Partial<WorkloadService> | null = {},
  demands: Partial<WorkloadSpec> = {},
): WorkloadSpec {
  return {
    id,
    host: 0,
    image,
    cpu: 100,
    memory: 32 * MIB,
    disk: 32 * MIB,
    gpu: 0,
    service:
      service === null
        ? null
        : {
            network: 'lease-1/0',
            name: 'web',
            command: [],
            args: [],
            env: [],
            ports: [],
            mounts: [],
            credentials: null,
            ...service,
          },
    ...demands,
  };
}

/** A shell command as a service's. */
export function shell(script: string, rest: Partial<WorkloadService> = {}): Partial<WorkloadService> {
  return { command: ['sh', '-c', script], ...rest };
}

/** Serves `text` at `/` of a port. */
export function serve(text: string, port: number, rest: Partial<WorkloadService> = {}): Partial<WorkloadService> {
  const script = `mkdir -p /srv/www && echo '${text}' > /srv/www/index.html && exec httpd -f -p ${port} -h /srv/www`;
  return shell(script, rest);
}

/** What a page says, tried for a while: a server may take its time to listen. */
export async function page(host: string, port: number): Promise<string> {
  return await until(`http://${host}:${port}/`, async () => {
    try {
      return await (await fetch(`http://${host}:${port}/`, { signal: AbortSignal.timeout(3_000) })).text();
    } catch {
      return undefined;
    }
  });
}
