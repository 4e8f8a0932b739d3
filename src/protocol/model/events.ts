/**
 * What a block did, as public facts: the history from which a provider's record, an order's story and every metric can
 * be read back. Events carry ids and values, never references into state.
 *
 * Each event belongs to topics. A block commits to its list of events per topic (chain/event-commitment.ts), so that a
 * node that withholds one from a subscriber leaves a provable gap.
 */
import { bool, byteString, type CodecType, fixedBytes, struct, tagged, text, ubig, uint } from '../codec/struct.ts';
import { attributes, deploymentInfrastructure, id, resourceGroups } from './objects.ts';

/** Characters of a reason that an event or receipt keeps; each takes at most four bytes. */
const WHY_CHARACTERS = 240;
const why = text(4 * WHY_CHARACTERS);
const word = text(128);

export const event = tagged('type', {
  TransactionFailed: [1, struct({ account: word, nonce: uint, message: word, code: word, detail: why, object: id })],
  DeploymentSubmitted: [2, struct({ deployment: id, tenant: word, escrow: ubig })],
  OrderOpened: [
    3,
    struct({
      order: id,
      tenant: word,
      infrastructure: deploymentInfrastructure,
      matchFrom: uint,
      closesAt: uint,
      collateral: ubig,
    }),
  ],
  OrderClosed: [4, struct({ order: id, tenant: word, region: word, reason: word })],
  FulfillmentPlaced: [
    5,
    struct({ fulfillment: id, order: id, provider: word, region: word, total: ubig, collateral: ubig, position: uint }),
  ],
  /** The bid is over and its collateral returned. `reason`: lost, replaced, cancelled, ineligible: …, order_closed. */
  FulfillmentClosed: [
    6,
    struct({ fulfillment: id, order: id, provider: word, region: word, total: ubig, reason: why }),
  ],
  FulfillmentChosen: [7, struct({ order: id, provider: word, tenant: word })],
  /** `version`: the deployment's, so that its provider knows which manifest to expect, or that none will come. */
  LeaseCreated: [
    40,
    struct({
      lease: id,
      fulfillment: id,
      tenant: word,
      provider: word,
      region: word,
      resources: resourceGroups,
      price: ubig,
      maximum: ubig,
      collateral: ubig,
      bids: uint,
      version: byteString(32),
    }),
  ],
  LeaseActive: [9, struct({ lease: id, tenant: word, provider: word })],
  LeaseConfirmed: [10, struct({ lease: id, tenant: word, provider: word })],
  /** Tokens moved from a deployment's escrow to a provider; `amount` is before `tax`. */
  LeasePaid: [11, struct({ lease: id, tenant: word, provider: word, amount: ubig, tax: ubig, paid: ubig })],
  LeaseClosing: [12, struct({ lease: id, tenant: word, provider: word, reason: word, unpaid: ubig })],
  /** The end of a lease; `collateral` is what went back to the provider. */
  LeaseClosed: [
    13,
    struct({ lease: id, tenant: word, provider: word, reason: word, collateral: ubig, resetConfirmed: bool }),
  ],
  LeaseBroken: [
    14,
    struct({
      lease: id,
      tenant: word,
      provider: word,
      forfeited: ubig,
      toTenant: ubig,
      burned: ubig,
      stakeSlashed: ubig,
      unpaid: ubig,
      renewed: bool,
    }),
  ],
  DeploymentUpdated: [15, struct({ deployment: id, tenant: word })],
  DeploymentClosing: [16, struct({ deployment: id, tenant: word, reason: word, refund: ubig })],
  DeploymentClosed: [17, struct({ deployment: id, tenant: word, reason: word })],
  EscrowDeposited: [18, struct({ deployment: id, tenant: word, from: word, amount: ubig, escrow: ubig })],
  ProviderRegistered: [19, struct({ provider: word, region: word, attributes })],
  ProviderUpdated: [20, struct({ provider: word, region: word, attributes })],
  ProviderJailed: [21, struct({ provider: word, until: uint })],
  Transferred: [22, struct({ from: word, to: word, amount: ubig })],
  StakeBonded: [23, struct({ account: word, validator: word, amount: ubig })],
  StakeUnbonding: [24, struct({ account: word, source: word, target: word, amount: ubig, maturesAt: uint })],
  StakeReleased: [25, struct({ account: word, source: word, amount: ubig })],
  StakeSlashed: [26, struct({ account: word, source: word, amount: ubig, reason: word })],
  RewardsWithdrawn: [27, struct({ account: word, validator: word, amount: ubig })],
  ProposalSubmitted: [28, struct({ proposal: uint, proposer: word, endsAt: uint })],
  Voted: [29, struct({ proposal: uint, voter: word, choice: word })],
  ProposalEnded: [30, struct({ proposal: uint, outcome: word, effectiveAt: uint })],
  ParameterChanged: [31, struct({ proposal: uint, name: word, value: word })],
  Granted: [32, struct({ grant: id, granter: word, grantee: word })],
  Revoked: [33, struct({ grant: id, granter: word, grantee: word })],
  CandidateRegistered: [34, struct({ candidate: word, consensusKey: fixedBytes(32), commission: uint })],
  /** A validator that missed too many blocks; `burned` is what the slash took, wherever the stake was. */
  ValidatorJailed: [35, struct({ validator: word, until: uint, missed: uint, burned: ubig })],
  ValidatorUnjailed: [36, struct({ validator: word })],
  /** A validator that is out for good, because it double-signed at this height. */
  ValidatorTombstoned: [37, struct({ validator: word, height: uint })],
  /** An offence of which there is proof, named as evidence names it. */
  OffencePunished: [38, struct({ validator: word, offence: word, burned: ubig })],
  /** From this height on another set validates. */
  ValidatorSetChanged: [39, struct({ height: uint, size: uint, power: uint })],
} as const);

/** A reason, cut to what an event or receipt has room for. Cut between characters, so that it stays valid text. */
export function excerpt(reason: string): string {
  return reason.length <= WHY_CHARACTERS ? reason : reason.slice(0, WHY_CHARACTERS).toWellFormed();
}

export type Event = CodecType<typeof event>;
export type EventType = Event['type'];
export type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/**
 * Kinds of topics: `region`: orders opened for a region; `market`: what became of them, prices among it; `book`: bids
 * as they are placed and closed, for those who want to see the book of a region; `account`: what concerns one account;
 * `providers`: the register; `validators`: candidates and the validator set; `governance`: proposals and parameters.
 * The last three have no key.
 */
export type TopicKind = 'region' | 'market' | 'book' | 'account' | 'providers' | 'validators' | 'governance';

const KEYLESS: ReadonlySet<TopicKind> = new Set(['providers', 'validators', 'governance']);

export function topic(kind: TopicKind, key: string): string {
  return key === '' && KEYLESS.has(kind) ? kind : `${kind}/${key}`;
}
export function regionTopic(region: string): string {
  return topic('region', region);
}
export function marketTopic(region: string): string {
  return topic('market', region);
}
export function bookTopic(region: string): string {
  return topic('book', region);
}
export function accountTopic(account: string): string {
  return topic('account', account);
}
export const GOVERNANCE_TOPIC = 'governance';
export const PROVIDERS_TOPIC = 'providers';
export const VALIDATORS_TOPIC = 'validators';

type TopicVisitor = (kind: TopicKind, key: string) => void;

function visitBoth(visit: TopicVisitor, one: string, other: string): void {
  visit('account', one);
  if (other !== one) visit('account', other);
}

/** Names the topics of an event, each once. */
export function visitTopics(ev: Event, visit: TopicVisitor): void {
  switch (ev.type) {
    case 'OrderOpened':
      visit('region', ev.infrastructure.region);
      visit('account', ev.tenant);
      return;
    case 'OrderClosed':
      visit('market', ev.region);
      visit('account', ev.tenant);
      return;
    case 'FulfillmentPlaced':
    case 'FulfillmentClosed':
      visit('book', ev.region);
      visit('account', ev.provider);
      return;
    case 'LeaseCreated':
      visit('market', ev.region);
      visitBoth(visit, ev.tenant, ev.provider);
      return;
    case 'LeaseActive':
    case 'LeaseConfirmed':
    case 'LeasePaid':
    case 'LeaseClosing':
    case 'LeaseClosed':
    case 'LeaseBroken':
    case 'FulfillmentChosen':
      visitBoth(visit, ev.tenant, ev.provider);
      return;
    case 'DeploymentSubmitted':
    case 'DeploymentUpdated':
    case 'DeploymentClosing':
    case 'DeploymentClosed':
    case 'EscrowDeposited':
      visit('account', ev.tenant);
      return;
    case 'ProviderRegistered':
    case 'ProviderUpdated':
    case 'ProviderJailed':
      visit('providers', '');
      visit('account', ev.provider);
      return;
    case 'Transferred':
      visitBoth(visit, ev.from, ev.to);
      return;
    case 'TransactionFailed':
    case 'StakeBonded':
    case 'StakeUnbonding':
    case 'StakeReleased':
    case 'StakeSlashed':
    case 'RewardsWithdrawn':
      visit('account', ev.account);
      return;
    case 'CandidateRegistered':
      visit('validators', '');
      visit('account', ev.candidate);
      return;
    case 'ValidatorJailed':
    case 'ValidatorUnjailed':
    case 'ValidatorTombstoned':
    case 'OffencePunished':
      visit('validators', '');
      visit('account', ev.validator);
      return;
    case 'ValidatorSetChanged':
      visit('validators', '');
      return;
    case 'Granted':
    case 'Revoked':
      visitBoth(visit, ev.granter, ev.grantee);
      return;
    case 'ProposalSubmitted':
    case 'Voted':
    case 'ProposalEnded':
    case 'ParameterChanged':
      visit('governance', '');
  }
}

/** The topics of an event, without duplicates. */
export function topicsOf(ev: Event): string[] {
  const topics: string[] = [];
  visitTopics(ev, (kind, key) => topics.push(topic(kind, key)));
  return topics;
}
