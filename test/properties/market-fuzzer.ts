/**
 * Random life on a chain: a list of small numbers becomes transactions of every kind, sound and unsound, and blocks at
 * uneven intervals. What a number means is looked up in the state of the moment (the third open order, the second lease),
 * so that lists can be shrunk and still make sense.
 */
import fc from 'fast-check';
import type { Message, MessageType } from '../../src/protocol/model/messages.ts';
import type { DeploymentInfrastructure, ResourceGroup } from '../../src/protocol/model/objects.ts';
import type { Params } from '../../src/protocol/model/params.ts';
import {
  AKASH,
  addressOfName,
  bid,
  type ChainDriver,
  confirmation,
  type DriverOptions,
  deployment,
  group,
  hashOf,
  infrastructure,
  SECOND,
  type SendOptions,
  UAKT_PER_S,
} from '../support/chain-driver.ts';
import { accusation, candidacy } from '../support/validators.ts';

export const TENANTS = ['tom', 'tess', 'tia'] as const;
export const PROVIDERS = ['ann', 'bob', 'cyd', 'dan', 'eve'] as const;
/** Providers that are none yet. */
export const NEWCOMERS = ['fay', 'gus'] as const;
export const VALIDATORS = ['val', 'vic'] as const;
const EVERYBODY = [...TENANTS, ...PROVIDERS, ...NEWCOMERS, ...VALIDATORS];
const REGIONS = ['eu', 'us'] as const;
const CLASSES = ['a100', 'v100', 't4'] as const;

/** A market with short periods, so that everything that can happen does so within some hundred blocks. */
export function fuzzOptions(params: { readonly [N in keyof Params]?: Params[N] }): DriverOptions {
  return {
    params: {
      targetBlockInterval: SECOND,
      reconfirmationPeriod: 12,
      resetGrace: 4,
      unbondingPeriod: 40 * SECOND,
      evidenceMaxAgeBlocks: 10,
      downtimeWindow: 8,
      downtimeSlash: 10_000,
      downtimeJail: 3 * SECOND,
      validatorSlots: 4,
      votingPeriod: 4,
      changeDelay: 2,
      quorum: 10_000,
      jailDuration: 20 * SECOND,
      // A record that few payments move, and that fades while one looks.
      reputationHalfLife: 100 * SECOND,
      reputationPriorKept: 3_000n,
      reputationPriorBroken: 3_000n,
      maxOpenFor: 1_000 * SECOND,
      ...params,
    },
    accounts: Object.fromEntries([...TENANTS, ...NEWCOMERS].map(name => [name, { balance: 500n * AKASH }])),
    providers: Object.fromEntries(
      PROVIDERS.map((name, i) => [
        name,
        {
          balance: 200n * AKASH,
          stake: BigInt(i) * 3n * AKASH,
          region: REGIONS[i % 2] as string,
          attributes: { gpu: CLASSES[i % 3] as string },
        },
      ]),
    ),
    validators: { val: { commission: 100_000 }, vic: { stake: 300n * AKASH } },
  };
}

const KINDS = [
  ['block', 30],
  ['confirm', 26],
  ['bid', 30],
  ['badBid', 5],
  ['cancel', 5],
  ['deploy', 9],
  ['update', 4],
  ['close', 3],
  ['deposit', 3],
  ['choose', 6],
  ['reset', 8],
  ['provider', 3],
  ['stake', 8],
  ['validator', 6],
  ['governance', 5],
  ['grant', 3],
  ['granted', 4],
  ['transfer', 4],
  ['nonsense', 5],
] as const;
type Kind = (typeof KINDS)[number][0];

export interface Op {
  readonly kind: Kind;
  readonly who: number;
  readonly pick: number;
  readonly amount: number;
  readonly way: number;
}

/** One thing that happens, by weight. */
export const opArbitrary: fc.Arbitrary<Op> = fc.record({
  kind: fc.oneof(...KINDS.map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) }))),
  who: fc.nat(59),
  pick: fc.nat(999),
  amount: fc.nat(1_000),
  way: fc.nat(23),
});

function pickFrom<T>(list: readonly T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list[at % list.length];
}

function choose<T>(list: readonly T[], at: number): T {
  return list[at % list.length] as T;
}

export class Fuzzer {
  readonly driver: ChainDriver;
  /** How often each message succeeded and failed. */
  readonly succeeded = new Map<MessageType, number>();
  readonly failed = new Map<MessageType, number>();

  constructor(driver: ChainDriver) {
    this.driver = driver;
  }

  /** Who sends what; undefined when the moment offers nothing of this kind. Blocks are the caller's. */
  message(op: Op): { name: string; message: Message; options?: SendOptions } | undefined {
    switch (op.kind) {
      case 'confirm':
      case 'reset':
        return this.#confirm(op);
      case 'bid':
      case 'badBid':
      case 'cancel':
      case 'choose':
        return this.#onOrder(op);
      case 'deploy':
        return { name: choose(TENANTS, op.who), message: this.#deploy(op) };
      case 'update':
      case 'close':
      case 'deposit':
        return this.#onDeployment(op);
      case 'provider':
        return this.#provider(op);
      case 'stake':
        return this.#stake(op);
      case 'validator':
        return this.#validator(op);
      case 'governance':
        return this.#governance(op);
      case 'grant':
      case 'granted':
        return this.#grant(op);
      case 'transfer': {
        const message: Message = {
          type: 'Transfer',
          to: addressOfName(choose(EVERYBODY, op.pick)),
          // Now and then more than anybody has.
          amount: op.way === 0 ? 10n ** 12n : BigInt(op.amount) * 1_000n,
        };
        return { name: choose(EVERYBODY, op.who), message };
      }
      case 'nonsense':
        return { name: choose(EVERYBODY, op.who), message: nonsense(op) };
      case 'block':
        return undefined;
    }
  }

  #name(address: string): string {
    return this.driver.name(address);
  }

  #confirm(op: Op): { name: string; message: Message } | undefined {
    const reset = op.kind === 'reset';
    const leases = this.driver.state.leases.sorted().filter(one => (one.state === 'closing') === reset);
    const lease = pickFrom(leases, op.pick);
    if (lease === undefined) return undefined;
    // Now and then somebody else's lease, or the wrong one of the two words.
    const name = op.way === 0 ? choose(EVERYBODY, op.who) : this.#name(lease.provider);
    return { name, message: confirmation(lease.id, op.way === 1 ? !reset : reset) };
  }

  #onOrder(op: Op): { name: string; message: Message } | undefined {
    const order = pickFrom(this.driver.state.orders.sorted(), op.pick);
    if (order === undefined) return undefined;
    const name = choose([...PROVIDERS, ...PROVIDERS, ...NEWCOMERS], op.who);
    const asked = order.infrastructure.resources;
    if (op.kind === 'cancel') {
      const own = this.driver.state.fulfillments.get(choose(order.fulfillments.concat(''), op.amount));
      const bidder = own === undefined || op.way === 0 ? name : this.#name(own.provider);
      return { name: bidder, message: { type: 'CancelFulfillment', order: order.id } };
    }
    if (op.kind === 'choose') {
      const own = this.driver.state.fulfillments.get(choose(order.fulfillments.concat(''), op.amount));
      const sender = op.way < 4 ? name : this.#name(order.tenant);
      const provider = own?.provider ?? addressOfName(name);
      return { name: sender, message: { type: 'ChooseFulfillment', order: order.id, provider } };
    }
    // Few different prices, so that totals are often equal.
    const prices = asked.map((one, i) => (one.price * BigInt(1 + ((op.amount >> i) % 5))) / 5n);
    const message = bid(order, prices) as Extract<Message, { type: 'SubmitFulfillment' }>;
    return { name, message: op.kind === 'bid' ? message : { ...message, resources: spoil(message.resources, op) } };
  }

  #deploy(op: Op): Message {
    const count = 1 + (op.amount % 3);
    const list = Array.from({ length: count }, (_, i) => anInfrastructure(op.pick + 7 * i, op.way + i));
    const { reconfirmationPeriod, targetBlockInterval } = this.driver.params;
    const period = BigInt(reconfirmationPeriod * targetBlockInterval);
    const price = list.flatMap(one => one.resources).reduce((sum, one) => sum + one.price * BigInt(one.count), 0n);
    // One period of everything, and some eighths of it; now and then less, now and then plenty.
    const reserve = (price * period) / 1_000_000_000_000n + BigInt(count);
    const eighths = op.amount % 10 === 0 ? 5n : op.amount % 10 === 1 ? 80n : BigInt(8 + (op.amount % 9));
    return deployment({
      infrastructure: list,
      waitDuration: op.who % 12,
      openFor: (1 + (op.pick % 12)) * 5 * SECOND,
      escrow: (reserve * eighths) / 8n,
    });
  }

  #onDeployment(op: Op): { name: string; message: Message } | undefined {
    const row = pickFrom(this.driver.state.deployments.sorted(), op.pick);
    if (row === undefined) return undefined;
    const name = op.way === 0 ? choose(EVERYBODY, op.who) : this.#name(row.tenant);
    if (op.kind === 'close') return { name, message: { type: 'CloseDeployment', deployment: row.id } };
    if (op.kind === 'deposit') {
      const amount = BigInt(op.amount) * 500n;
      return { name: choose(EVERYBODY, op.who), message: { type: 'DepositEscrow', deployment: row.id, amount } };
    }
    const slot = pickFrom(row.slots, op.amount);
    if (slot === undefined) return { name, message: { type: 'CloseDeployment', deployment: row.id } };
    const reprice = slot.infrastructure.resources.map(one => (one.price * BigInt(1 + (op.amount % 3))) / 2n);
    return {
      name,
      message: {
        type: 'UpdateDeployment',
        deployment: row.id,
        version: hashOf(String(op.amount)),
        add: op.way % 3 === 1 ? [anInfrastructure(op.amount, op.who)] : [],
        remove: op.way % 3 === 2 ? [slot.group] : [],
        reprice: op.way % 4 === 3 ? [{ group: slot.group, prices: reprice }] : [],
      },
    };
  }

  #provider(op: Op): { name: string; message: Message } {
    const isNew = op.way % 2 === 0;
    return {
      name: isNew ? choose([...NEWCOMERS, ...TENANTS], op.who) : choose([...PROVIDERS, ...NEWCOMERS], op.who),
      message: {
        type: isNew ? 'RegisterProvider' : 'UpdateProvider',
        region: choose(REGIONS, op.pick),
        attributes: { gpu: choose(CLASSES, op.amount) },
        certificate: hashOf(String(op.amount)),
        endpoint: 'host:1',
      },
    };
  }

  /** Mostly a candidate. */
  #target(at: number): string {
    if (at % 7 === 0) return addressOfName('ann');
    return choose(this.driver.state.candidates.sorted(), at).address;
  }

  #stake(op: Op): { name: string; message: Message } {
    const name = choose(EVERYBODY, op.who);
    const amount = BigInt(op.amount) * 20_000n;
    const [validator, target] = [this.#target(op.pick), this.#target(op.amount)];
    const own = addressOfName(name);
    switch (op.way % 7) {
      case 0:
      case 1:
        return { name, message: { type: 'Stake', amount } };
      case 2:
        return { name, message: { type: 'Delegate', validator, amount } };
      case 3:
        return { name, message: { type: 'Undelegate', validator: op.pick % 3 === 0 ? validator : own, amount } };
      case 4:
        return { name, message: { type: 'Redelegate', source: op.pick % 3 === 0 ? own : validator, target, amount } };
      default:
        return { name, message: { type: 'WithdrawRewards', validator: op.pick % 4 === 0 ? own : validator } };
    }
  }

  #validator(op: Op): { name: string; message: Message } {
    const name = choose([...TENANTS, ...NEWCOMERS, ...PROVIDERS, ...VALIDATORS], op.who);
    const candidates = this.driver.state.candidates.sorted();
    if (op.way < 5) {
      const faulty = [{ commission: 1_000_001 }, { keyOf: 'val' }, { signedBy: 'val' }, { signedFor: 'val' }] as const;
      return { name, message: candidacy(name, op.way === 0 ? choose(faulty, op.pick) : { commission: op.pick * 100 }) };
    }
    if (op.way < 16) {
      const jailed = candidates.filter(one => one.jailed);
      return {
        name: this.#name(choose(jailed.length > 0 ? jailed : candidates, op.pick).address),
        message: { type: 'Unjail' },
      };
    }
    // Mostly of one of the last heights; some of those to come, some of strangers, some that somebody else signed.
    const accused = op.way === 16 ? name : this.#name(choose(candidates, op.pick).address);
    return {
      name,
      message: accusation(accused, Math.max(0, this.driver.height + 1 - (op.amount % 15)), {
        kind: choose(['prevote', 'precommit', 'proposal'] as const, op.amount),
        ...(op.way < 19 ? { signedBy: 'tom' } : {}),
      }),
    };
  }

  #governance(op: Op): { name: string; message: Message } {
    const name = choose([...VALIDATORS, ...PROVIDERS], op.who);
    const open = this.driver.state.proposals.sorted().filter(one => one.state === 'voting');
    const proposal = pickFrom(open, op.pick);
    if (proposal === undefined || op.way === 0) {
      const changes = [choose(PROPOSALS, op.pick), choose(PROPOSALS, op.amount)];
      const unlike = changes[0]?.name !== changes[1]?.name;
      const proposed = unlike ? changes : changes.slice(0, 1);
      return { name, message: { type: 'SubmitProposal', changes: proposed as never, title: 'a change' } };
    }
    const choice = (['yes', 'yes', 'yes', 'no', 'abstain'] as const)[op.amount % 5] as 'yes';
    return { name, message: { type: 'Vote', proposal: proposal.id, choice } };
  }

  #grant(op: Op): { name: string; message: Message; options?: SendOptions } | undefined {
    const grants = this.driver.state.grants.sorted();
    const row = pickFrom(grants, op.pick);
    if (op.kind === 'grant' || row === undefined) {
      if (row !== undefined && op.way % 4 === 0) {
        const name = op.way === 0 ? choose(EVERYBODY, op.who) : this.#name(row.granter);
        return { name, message: { type: 'Revoke', grant: row.id } };
      }
      const message: Message = {
        type: 'Grant',
        grantee: addressOfName(choose(EVERYBODY, op.pick)),
        messages:
          op.way % 2 === 0
            ? ['Transfer', 'DepositEscrow', 'SubmitDeployment']
            : ['CloseDeployment', 'SubmitFulfillment'],
        deployment: '',
        limit: BigInt(op.amount) * 10_000n,
        expires: this.driver.time + op.amount * SECOND,
      };
      return { name: choose([...TENANTS, ...PROVIDERS], op.who), message };
    }
    const name = op.way === 0 ? choose(EVERYBODY, op.who) : this.#name(row.grantee);
    const options = { grant: row.id };
    const own = this.driver.state.deployments.sorted().find(one => one.tenant === row.granter);
    const order = pickFrom(this.driver.state.orders.sorted(), op.amount);
    if (row.messages.includes('CloseDeployment')) {
      if (op.way % 3 === 0 && own !== undefined)
        return { name, message: { type: 'CloseDeployment', deployment: own.id }, options };
      return order === undefined
        ? undefined
        : { name, message: bid(order, (order.infrastructure.resources[0] as ResourceGroup).price / 2n), options };
    }
    if (op.way % 3 === 0) return { name, message: this.#deploy(op), options };
    return { name, message: { type: 'Transfer', to: addressOfName('tom'), amount: BigInt(op.amount) * 100n }, options };
  }
}

const PROPOSALS = [
  { name: 'leaseTax', value: '50000' },
  { name: 'leaseTax', value: '0' },
  { name: 'collateralTo', value: 'split' },
  { name: 'collateralTo', value: 'burn' },
  { name: 'collateralTo', value: 'tenant' },
  { name: 'pendingClose', value: 'free' },
  { name: 'pendingClose', value: 'pays' },
  { name: 'feeBase', value: '70' },
  { name: 'maxFulfillments', value: '4' },
  { name: 'maxFacilitation', value: '2' },
  { name: 'maxFacilitation', value: '50' },
  { name: 'reputationStakeWeight', value: '500000' },
  { name: 'jailAfterBroken', value: '2' },
  { name: 'brokenLeaseStakeSlash', value: '100000' },
  { name: 'matchingRule', value: 'lowest-price' },
  { name: 'matchingRule', value: 'tenant-chosen' },
  { name: 'reconfirmationPeriod', value: '9' },
  { name: 'reconfirmationPeriod', value: '15' },
  { name: 'resetGrace', value: '2' },
  { name: 'resetGrace', value: '7' },
  { name: 'settlement', value: 'per_block' },
  { name: 'settlement', value: 'confirmation' },
  { name: 'feeBase', value: 'much' },
  { name: 'downtimeWindow', value: '5' },
  { name: 'validatorSlots', value: '2' },
  { name: 'doubleSignSlash', value: '1000000' },
  { name: 'unbondingPeriod', value: '15000000' },
  { name: 'noSuchThing', value: '1' },
] as const;

function anInfrastructure(seed: number, way: number): DeploymentInfrastructure {
  const groups = Array.from({ length: 1 + (seed % 3) }, (_, i) =>
    group({
      // Some prices are so low that payments are rounded down to nothing for a while.
      price: [UAKT_PER_S * 400n, UAKT_PER_S * 1_000n, 333_333n, UAKT_PER_S * 77n][(seed + i) % 4] as bigint,
      collateral: BigInt((seed + i) % 5) * 200_000n,
      count: 1 + ((seed >> 2) % 4),
    }),
  );
  return infrastructure({
    region: way % 4 === 3 ? '' : choose(REGIONS, way),
    persist: seed % 2 === 0,
    resources: groups,
    attributes: way % 5 === 0 ? { gpu: 'a100|v100' } : way % 5 === 1 ? { gpu: 't4' } : {},
    reputationAtLeast: way % 6 === 0 ? 380_000 : way % 6 === 1 ? 450_000 : 0,
  });
}

/** What the first implementation let pass: empty, partial, doubled, dearer or other offers than what is ordered. */
function spoil(resources: readonly ResourceGroup[], op: Op): ResourceGroup[] {
  const first = resources[0] as ResourceGroup;
  const rest = resources.slice(1);
  switch (op.way % 7) {
    case 0:
      return [];
    case 1:
      return resources.slice(0, -1);
    case 2:
      return [...resources, first];
    case 3:
      return [{ ...first, price: first.price * 100n }, ...rest];
    case 4:
      return [{ ...first, count: first.count + 1 }, ...rest];
    case 5:
      return [{ ...first, collateral: first.collateral + 1n }, ...rest];
    default:
      return [{ ...first, compute: { ...first.compute, gpu: first.compute.gpu + 1 } }, ...rest];
  }
}

/** Messages about what is not there, or that ask for nothing. */
function nonsense(op: Op): Message {
  const nobody = addressOfName('nobody');
  const order = `${nobody}/0/0/0`;
  switch (op.way % 12) {
    case 0:
      return { type: 'CloseDeployment', deployment: `${nobody}/7` };
    case 1:
      return { type: 'SubmitFulfillment', order, resources: [group()] };
    case 2:
      return { type: 'CancelFulfillment', order };
    case 3:
      return confirmation(order);
    case 4:
      return deployment({ infrastructure: [] });
    case 5:
      return deployment({ infrastructure: [infrastructure({ resources: [group({ count: 0 })] })] });
    case 6:
      return { type: 'Transfer', to: nobody, amount: 0n };
    case 7:
      return { type: 'Undelegate', validator: nobody, amount: 5n };
    case 8:
      return { type: 'Vote', proposal: 999, choice: 'yes' };
    case 9:
      return { type: 'Revoke', grant: 'none' };
    case 10:
      return { type: 'DepositEscrow', deployment: 'none/1', amount: 5n };
    default:
      return deployment({ escrow: 10n ** 15n });
  }
}
