/**
 * Who may bid and win, re-stated from the rules: the referee's half of the match. Answers are `yes`, `no`, or `maybe`
 * where the order's least reputation lies within the range in which the provider's own is known.
 */
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event } from '../../protocol/model/events.ts';
import type { Attributes, ComputeUnit, DeploymentInfrastructure, ResourceGroup } from '../../protocol/model/objects.ts';
import type { Params } from '../../protocol/model/params.ts';
import { ReputationBounds } from './reputation-bounds.ts';

export type Answer = 'yes' | 'no' | 'maybe';

interface ProviderBook {
  region: string;
  attributes: Attributes;
  /** Block time until which it is jailed. */
  jailedUntil: number;
}

/** What is publicly known of providers. */
export class ProviderBooks {
  readonly reputation: ReputationBounds;
  readonly #providers = new Map<string, ProviderBook>();

  constructor(genesis: Genesis) {
    this.reputation = new ReputationBounds(genesis);
    for (const { address, region, attributes } of genesis.providers) {
      this.#providers.set(address, { region, attributes, jailedUntil: 0 });
    }
  }

  get addresses(): IterableIterator<string> {
    return this.#providers.keys();
  }

  apply(event: Event, params: Params, time: number): void {
    this.reputation.apply(event, params, time);
    if (event.type === 'ProviderRegistered') {
      const { region, attributes } = event;
      this.#providers.set(event.provider, { region, attributes, jailedUntil: 0 });
    } else if (event.type === 'ProviderUpdated' || event.type === 'ProviderJailed') {
      const row = this.#providers.get(event.provider);
      if (row === undefined) return;
      if (event.type === 'ProviderJailed') {
        row.jailedUntil = event.until;
      } else {
        row.region = event.region;
        row.attributes = event.attributes;
      }
    }
  }

  /** Whether a provider satisfies everything that an infrastructure requires of it at a time. */
  admits(provider: string, want: DeploymentInfrastructure, params: Params, time: number): Answer {
    const row = this.#providers.get(provider);
    if (row === undefined || time < row.jailedUntil) return 'no';
    if (want.region !== '' && want.region !== row.region) return 'no';
    for (const [name, wanted] of Object.entries(want.attributes)) {
      const has = row.attributes[name];
      if (has === undefined || (has !== wanted && !wanted.split('|').includes(has))) return 'no';
    }
    if (want.reputationAtLeast === 0) return 'yes';
    const range = this.reputation.range(provider, params, time);
    if (range === undefined || range.most < want.reputationAtLeast) return 'no';
    return range.least >= want.reputationAtLeast ? 'yes' : 'maybe';
  }
}

const COMPUTE_FIELDS: readonly (keyof ComputeUnit)[] = ['cpu', 'memory', 'disk', 'bandwidth', 'gpu'];

/** Whether an offer has the groups that were ordered, each for no more than its maximum. */
export function offerFits(want: readonly ResourceGroup[], offer: readonly ResourceGroup[]): boolean {
  if (want.length !== offer.length) return false;
  return want.every((ordered, i) => {
    const offered = offer[i] as ResourceGroup;
    return (
      COMPUTE_FIELDS.every(field => ordered.compute[field] === offered.compute[field]) &&
      ordered.count === offered.count &&
      ordered.collateral === offered.collateral &&
      offered.price <= ordered.price
    );
  });
}
