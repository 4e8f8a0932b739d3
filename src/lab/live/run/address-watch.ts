/** Tells where services are reached, as their tenants learn it from the providers that won. */
import type { PlannedMember } from './plan.ts';

/** How often tenants are asked. */
export const ADDRESS_POLL_MS = 1_000;
const ASK_MS = 2_000;

export class AddressWatch {
  readonly #tenants: readonly PlannedMember[];
  readonly #tell: (line: string) => void;
  readonly #known = new Map<string, string>();
  #looking = false;

  constructor(tenants: readonly PlannedMember[], tell: (line: string) => void) {
    this.#tenants = tenants;
    this.#tell = tell;
  }

  /** Asks all tenants once; who does not answer is asked again next time. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      await Promise.all(this.#tenants.map(tenant => this.#ask(tenant)));
    } finally {
      this.#looking = false;
    }
  }

  async #ask({ api }: PlannedMember): Promise<void> {
    let body: DeploymentsAnswer;
    try {
      const answer = await fetch(`http://127.0.0.1:${api}/deployments`, { signal: AbortSignal.timeout(ASK_MS) });
      if (!answer.ok) return;
      body = (await answer.json()) as DeploymentsAnswer;
    } catch {
      // Not up yet, or struck by a fault.
      return;
    }
    for (const { leases } of body.deployments) {
      for (const { lease, provider, services } of leases) {
        for (const { service, addresses } of services ?? []) {
          for (const { port, host, host_port } of addresses) {
            const key = `${lease}/${service}/${port}`;
            const where = `http://${host}:${host_port}/`;
            if (this.#known.get(key) === `${where} ${provider}`) continue;
            this.#known.set(key, `${where} ${provider}`);
            this.#tell(`${service} answers at ${where}`);
          }
        }
      }
    }
  }
}

interface AddressAnswer {
  readonly port: number;
  readonly host: string;
  readonly host_port: number;
}

interface DeploymentsAnswer {
  readonly deployments: readonly {
    readonly leases: readonly {
      readonly lease: string;
      readonly provider: string;
      /** Null: the provider has not told yet. */
      readonly services: readonly { readonly service: string; readonly addresses: readonly AddressAnswer[] }[] | null;
    }[];
  }[];
}
