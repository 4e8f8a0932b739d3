/**
 * Whether the services of a live run answer, seen from outside as anybody sees them: tenants tell where their services are
 * published, and each of those places is asked for a page twice a second. Any answer counts, whatever it says. A service
 * that speaks no HTTP answers nobody here; of it only its place is told.
 */
import { connect } from 'node:net';
import type { PlannedMember } from './plan.ts';

/** How often tenants and places are asked. */
export const LOOK_MS = 500;
/** How long a tenant may take to answer, and a service. */
const ASK_MS = 2_000;
/** A place that has answered nobody for so long after it was told of is that of a service without pages. */
const PATIENCE_US = 10_000_000;
/** Services that are watched; of those beyond nothing is told. */
const MAX_SERVICES = 64;

/** What became known of a service. `away`: for how long it had not answered, microseconds; null: it never had before. */
export type Sight = { readonly service: string; readonly tenant: string; readonly time: number } & (
  | { readonly sight: 'answers'; readonly url: string; readonly away: number | null }
  | { readonly sight: 'silent'; readonly url: string }
  | { readonly sight: 'published'; readonly place: string }
);

interface Place {
  readonly host: string;
  readonly port: number;
}

interface Watched {
  readonly service: string;
  readonly tenant: string;
  /** Where it is published, by lease. */
  places: ReadonlyMap<string, Place>;
  readonly since: number;
  state: 'new' | 'answers' | 'silent' | 'speechless';
  /** Where it answered last. */
  url: string;
  silentFrom: number;
  /** Times without an answer that have ended, each from and until. */
  readonly away: { readonly from: number; readonly until: number }[];
}

export interface ServiceWatchOptions {
  readonly tenants: readonly PlannedMember[];
  /** The time of the run, microseconds. */
  readonly now: () => number;
  readonly onSight: (sight: Sight) => void;
}

export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  /** By infrastructure, service and port: the same when another provider serves it. */
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | null = null;
  #looking = false;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Asks all tenants and all places once. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      await Promise.all(this.#options.tenants.map(tenant => this.#askTenant(tenant)));
      await Promise.all([...this.#watched.values()].map(one => this.#try(one)));
    } finally {
      this.#looking = false;
    }
  }

  async #askTenant({ api, name }: PlannedMember): Promise<void> {
    const answer = await deploymentsOf(api);
    if (answer === null) return;
    const places = new Map<string, Map<string, Place>>();
    const names = new Map<string, string>();
    for (const { leases } of answer.deployments)
      for (const { lease, services } of leases)
        for (const { service, addresses } of services ?? [])
          for (const { port, protocol, host, host_port } of addresses) {
            if (protocol !== 'TCP') continue;
            const key = `${lease.slice(0, lease.lastIndexOf('/'))}/${service}/${port}`;
            names.set(key, service);
            const known = places.get(key) ?? new Map<string, Place>();
            places.set(key, known.set(lease, { host, port: host_port }));
          }
    for (const [key, found] of places) this.#learn(key, names.get(key) as string, name, found);
  }

  #learn(key: string, service: string, tenant: string, places: ReadonlyMap<string, Place>): void {
    const known = this.#watched.get(key);
    if (known !== undefined) {
      known.places = places;
      return;
    }
    if (this.#watched.size >= MAX_SERVICES) return;
    const since = this.#options.now();
    this.#watched.set(key, { service, tenant, places, since, state: 'new', url: '', silentFrom: since, away: [] });
  }

  async #try(one: Watched): Promise<void> {
    const asked = this.#options.now();
    const answers = await Promise.all(
      [...one.places.values()].map(async place => ((await doesAnswer(place)) ? place : null)),
    );
    const place = answers.findLast(found => found !== null) ?? null;
    if (this.#timer === null) return;
    const { service, tenant } = one;
    const time = this.#options.now();
    if (place !== null) {
      const url = `http://${place.host}:${place.port}/`;
      const away = one.state === 'silent' ? time - one.silentFrom : null;
      if (away !== null) one.away.push({ from: one.silentFrom, until: time });
      if (one.state !== 'answers' || one.url !== url)
        this.#options.onSight({ sight: 'answers', service, tenant, time, url, away });
      one.state = 'answers';
      one.url = url;
    } else if (one.state === 'answers') {
      one.state = 'silent';
      one.silentFrom = asked;
      this.#options.onSight({ sight: 'silent', service, tenant, time: asked, url: one.url });
    } else if (one.state === 'new' && time - one.since > PATIENCE_US) {
      one.state = 'speechless';
      const { host, port } = [...one.places.values()].at(-1) as Place;
      this.#options.onSight({ sight: 'published', service, tenant, time, place: `${host}:${port}` });
    }
  }

  /** What the run's results say of services that were away. */
  notes(): string[] {
    const now = this.#options.now();
    return [...this.#watched.values()].flatMap(({ service, tenant, state, silentFrom, away }) => {
      const all = state === 'silent' ? [...away, { from: silentFrom, until: now }] : away;
      if (all.length === 0) return [];
      const times = all.map(({ from, until }) => `${seconds(until - from)} s from ${seconds(from)} s on`);
      const ended = state === 'silent' ? ', where the run ended' : '';
      return [
        `asked for its page twice a second, ${service} of ${tenant} did not answer for ${times.join(', ')}${ended}`,
      ];
    });
  }
}

function seconds(time: number): string {
  return (time / 1e6).toFixed(1);
}

/** Whether somebody answers a request for a page with anything at all. */
function doesAnswer({ host, port }: Place): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    const end = (answers: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answers);
    };
    const timer = setTimeout(() => end(false), ASK_MS);
    socket.once('connect', () => socket.write(`GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`));
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}

/** What a tenant has deployed; null while it does not answer: not up yet, or struck by a fault. */
async function deploymentsOf(api: number): Promise<DeploymentsAnswer | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${api}/deployments`, { signal: AbortSignal.timeout(ASK_MS) });
    return answer.ok ? ((await answer.json()) as DeploymentsAnswer) : null;
  } catch {
    return null;
  }
}

interface DeploymentsAnswer {
  readonly deployments: readonly {
    readonly leases: readonly {
      readonly lease: string;
      /** Null: the provider has not told yet. */
      readonly services: readonly { readonly service: string; readonly addresses: readonly AddressAnswer[] }[] | null;
    }[];
  }[];
}

interface AddressAnswer {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly host: string;
  readonly host_port: number;
}
