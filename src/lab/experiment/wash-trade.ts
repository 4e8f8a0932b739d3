/**
 * Wash trading: a provider that leases from itself, through a tenant of its own, to be paid a record.
 *
 * The companion's orders ask for an attribute that only its provider has, so that nobody else may bid, and for next to
 * nothing in compute, at whatever price makes the record grow: a record counts what was paid. What the pair loses by it
 * are fees, the lease tax, and the use of the money meanwhile.
 */
import type { Attributes } from '../../protocol/model/objects.ts';
import type { Distribution, ProviderBehaviour, ProviderClass, Quantity, TenantClass } from '../scenario/types.ts';

/** The attribute by which a wash trader's own orders name it. */
export const OWN_MARK = 'operator';

type WashTrader = Extract<ProviderBehaviour, { kind: 'washTrader' }>;

/** What a provider states beside the attributes of its class. */
export function ownMark(spec: ProviderClass, member: string): Attributes {
  return spec.behaviour.kind === 'washTrader' ? { [OWN_MARK]: member } : {};
}

/** The name of the companion of a provider, or of the companions of a class. */
export function companionName(name: string): string {
  return `${name}-companion`;
}

function fixed<Q extends Quantity>(quantity: Q, value: number): Distribution<Q> {
  return { quantity, kind: 'constant', value };
}

/** What the companion of one member asks for. It starts with as much money as its provider. */
export function companionClass(
  spec: ProviderClass,
  behaviour: WashTrader,
  member: string,
  region: string,
): TenantClass {
  return {
    name: companionName(member),
    count: 1,
    balance: spec.balance,
    region: { kind: 'cycle', regions: [region] },
    arrivals: { kind: 'renewal', every: behaviour.every },
    first: 0,
    last: Number.MAX_SAFE_INTEGER,
    lifetime: behaviour.lifetime,
    escrow: { kind: 'periods', periods: 2 },
    refill: { below: 1, to: 3 },
    waitDuration: 1,
    openFor: 600_000_000,
    behaviour: { kind: 'honest' },
    deployment: [
      {
        region: { kind: 'cycle', regions: [region] },
        persist: false,
        attributes: { [OWN_MARK]: member },
        reputationAtLeast: 0,
        groups: [
          {
            cpu: fixed('cpu', 1),
            memory: fixed('bytes', 2 ** 20),
            disk: fixed('bytes', 0),
            gpu: fixed('gpu', 0),
            bandwidth: fixed('bandwidth', 0),
            count: 1,
            price: { kind: 'rate', rate: behaviour.price },
            collateral: fixed('money', 0),
          },
        ],
      },
    ],
    sdl: null,
  };
}
