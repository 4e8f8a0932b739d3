/**
 * Which port of the host a service's port is published on: the one that it had, else the one that its users expect, else
 * another of the range that the operator opened.
 */
import type { WorkloadAddress, WorkloadPort } from '../../../actors/actor.ts';
import type { GivenPort } from './labels.ts';
import type { DockerSettings } from './options.ts';
import { type ProxyLimits, type Published, publishTcp } from './tcp-proxy.ts';
import { publishUdp } from './udp-proxy.ts';
import type { Way } from './way.ts';

/** Most ports of one workload. */
const MAX_PORTS = 64;

/** How many ports of the range are tried before none is free. */
const MAX_TRIES = 4_096;

/** The ports of one workload. */
export interface PublishedPorts {
  readonly given: readonly GivenPort[];
  readonly addresses: readonly WorkloadAddress[];
  /** Lets connections through, on the way to each port. */
  aim(wayTo: (port: WorkloadPort) => Way | null): void;
  close(): Promise<void>;
}

export const NO_PORTS: PublishedPorts = { given: [], addresses: [], aim: () => {}, close: async () => {} };

export class Publisher {
  readonly #host: string;
  readonly #advertised: string;
  readonly #from: number;
  readonly #to: number;
  readonly #limits: ProxyLimits;
  /** Where the search for a free port goes on, so that a port that was just given back rests for a while. */
  #next: number;

  constructor(settings: DockerSettings) {
    this.#host = settings.portHost;
    this.#advertised = settings.advertisedHost ?? settings.portHost;
    this.#from = settings.portFrom;
    this.#to = settings.portTo;
    const { connections, idle_ms, problem } = settings;
    this.#limits = { connections, idle_ms, problem };
    this.#next = settings.portFrom;
  }

  /**
   * Takes a host port for each of the ports. Throws when there are not enough, and has taken none then.
   * @param before what the workload had the last time
   */
  async open(ports: readonly WorkloadPort[], before: readonly GivenPort[]): Promise<PublishedPorts> {
    if (ports.length > MAX_PORTS) throw new Error(`a workload may publish ${MAX_PORTS} ports, found ${ports.length}`);
    const taken: { readonly port: GivenPort; readonly published: Published }[] = [];
    try {
      for (const port of ports) {
        const had = before.find(
          one =>
            one.port === port.port &&
            one.protocol === port.protocol &&
            one.externalPort === port.externalPort &&
            !taken.some(other => other.port.hostPort === one.hostPort && other.port.protocol === one.protocol),
        );
        const published = await this.#take(port, had?.hostPort ?? null);
        taken.push({ port: { ...port, hostPort: published.hostPort }, published });
      }
    } catch (error) {
      await Promise.all(taken.map(one => one.published.close()));
      throw error;
    }
    return {
      given: taken.map(one => one.port),
      addresses: taken.map(({ port }) => ({
        port: port.port,
        protocol: port.protocol,
        host: this.#advertised,
        hostPort: port.hostPort,
      })),
      aim: wayTo => {
        for (const { port, published } of taken) {
          const way = wayTo(port);
          if (way !== null) published.aim(way);
        }
      },
      close: async () => {
        await Promise.all(taken.map(one => one.published.close()));
      },
    };
  }

  async #take(port: WorkloadPort, had: number | null): Promise<Published> {
    for (const wanted of [had, port.externalPort]) {
      if (wanted === null || wanted < this.#from || wanted > this.#to) continue;
      const published = await this.#publish(port, wanted);
      if (published !== null) return published;
    }
    const count = this.#to - this.#from + 1;
    for (let i = 0; i < Math.min(count, MAX_TRIES); i += 1) {
      const candidate = this.#next;
      this.#next = candidate === this.#to ? this.#from : candidate + 1;
      const published = await this.#publish(port, candidate);
      if (published !== null) return published;
    }
    throw new Error(`no port of ${this.#host} from ${this.#from} to ${this.#to} is free for ${port.protocol}`);
  }

  #publish(port: WorkloadPort, hostPort: number): Promise<Published | null> {
    const publish = port.protocol === 'TCP' ? publishTcp : publishUdp;
    return publish(this.#host, hostPort, this.#limits);
  }
}
