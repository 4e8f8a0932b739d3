/**
 * Any message that participants may send each other, of every type, with every kind of event and transaction in it. The
 * tables are keyed by type: one that is added to the protocol and not here does not compile.
 */
import fc from 'fast-check';
import type { Part, VotesHeld } from '../../src/actors/gossip.ts';
import type { Answer, ProvenLeaf, Query, TopicBatch, Wire } from '../../src/actors/wire.ts';
import type { Header } from '../../src/protocol/chain/block.ts';
import { encodeBody, Transaction } from '../../src/protocol/chain/transaction.ts';
import { addressFromBytes } from '../../src/protocol/codec/address.ts';
import type { LightBlock } from '../../src/protocol/consensus/light-block.ts';
import type { Commit, Proposal, Validator, Vote } from '../../src/protocol/consensus/types.ts';
import type { Event, EventOf, EventType } from '../../src/protocol/model/events.ts';
import type { Message, MessageOf, MessageType } from '../../src/protocol/model/messages.ts';
import {
  type DeploymentInfrastructure,
  MAX_COUNT,
  MAX_PRICE,
  type ResourceGroup,
} from '../../src/protocol/model/objects.ts';
import { PARAMETERS, type ParameterName, type Params } from '../../src/protocol/model/params.ts';

type Fields<T> = { readonly [F in keyof T]: fc.Arbitrary<T[F]> };

function record<T>(fields: Fields<T>): fc.Arbitrary<T> {
  return fc.record(fields as Record<string, fc.Arbitrary<unknown>>, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** A union from the fields of its members, by the text in `key`. */
function union<T>(key: string, members: { readonly [name: string]: object }): fc.Arbitrary<T> {
  const all = Object.entries(members).map(([name, rest]) => record({ [key]: fc.constant(name), ...rest }));
  return fc.oneof(...all) as fc.Arbitrary<T>;
}

/** Well-formed text of at most so many bytes. */
const text = (bytes: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', maxLength: Math.min(bytes >> 2, 12) });
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const exactly = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const few = <T>(one: fc.Arbitrary<T>, maxLength = 3): fc.Arbitrary<readonly T[]> => fc.array(one, { maxLength });

export const uint = fc.oneof(fc.nat(300), fc.maxSafeNat());
const ubig = fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }));
const bool = fc.boolean();
export const address = exactly(20).map(addressFromBytes);
export const hash = exactly(32);
const signature = bytes(64);
const valueId = hash.map(one => one.toHex());
const word = text(128);
const id = text(200);
const attributes = fc.dictionary(text(128), word, { maxKeys: 3, noNullPrototype: true });

export const resources: fc.Arbitrary<readonly ResourceGroup[]> = few(
  record<ResourceGroup>({
    compute: record({ cpu: uint, memory: uint, disk: uint, bandwidth: uint, gpu: uint }),
    price: fc.bigInt({ min: 0n, max: MAX_PRICE }),
    collateral: fc.bigInt({ min: 0n, max: 10n ** 15n }),
    count: fc.nat(MAX_COUNT),
  }),
);
const infrastructure: fc.Arbitrary<DeploymentInfrastructure> = record({
  region: word,
  persist: bool,
  resources,
  attributes,
  reputationAtLeast: fc.nat(1_000_000),
});

const vote: fc.Arbitrary<Vote> = record({
  kind: fc.constantFrom('prevote', 'precommit'),
  height: uint,
  round: uint,
  value: fc.option(valueId),
  time: uint,
  validator: address,
  signature,
});
const proposal: fc.Arbitrary<Proposal> = record({
  height: uint,
  round: uint,
  polRound: fc.integer({ min: -1, max: 9 }),
  value: valueId,
  parts: uint,
  partsRoot: hash,
  proposer: address,
  signature,
});

type MessageFields = { readonly [T in MessageType]: Fields<Omit<MessageOf<T>, 'type'>> };
const provider = { region: text(128), attributes, certificate: bytes(32), endpoint: text(256) };
const chainMessages: MessageFields = {
  Transfer: { to: address, amount: ubig },
  Stake: { amount: ubig },
  Delegate: { validator: address, amount: ubig },
  Undelegate: { validator: address, amount: ubig },
  Redelegate: { source: address, target: address, amount: ubig },
  WithdrawRewards: { validator: address },
  RegisterProvider: provider,
  UpdateProvider: provider,
  SubmitDeployment: {
    infrastructure: few(infrastructure),
    waitDuration: uint,
    openFor: uint,
    version: bytes(32),
    escrow: ubig,
  },
  UpdateDeployment: {
    deployment: id,
    version: bytes(32),
    add: few(infrastructure),
    remove: few(uint),
    reprice: few(record({ group: uint, prices: few(fc.bigInt({ min: 0n, max: MAX_PRICE })) })),
  },
  CloseDeployment: { deployment: id },
  DepositEscrow: { deployment: id, amount: ubig },
  SubmitFulfillment: { order: id, resources },
  CancelFulfillment: { order: id },
  ChooseFulfillment: { order: id, provider: address },
  SubmitLeaseConfirmation: { lease: id, reset: bool },
  SubmitProposal: { changes: few(record({ name: text(64), value: text(64) })), title: text(256) },
  Vote: { proposal: uint, choice: fc.constantFrom('yes', 'no', 'abstain') },
  Grant: { grantee: address, messages: few(text(64)), deployment: id, limit: ubig, expires: uint },
  Revoke: { grant: id },
  RegisterCandidate: { consensusKey: hash, commission: uint, possession: bytes(64) },
  Unjail: {},
  SubmitEvidence: {
    evidence: fc.oneof(
      record({ kind: fc.constant('duplicate-vote' as const), first: vote, second: vote }),
      record({ kind: fc.constant('duplicate-proposal' as const), first: proposal, second: proposal }),
    ),
  },
};
export const message = union<Message>('type', chainMessages);

export const transaction: fc.Arbitrary<Transaction> = fc
  .tuple(
    record({ chainId: text(64), account: address, nonce: uint, grant: id, message, fee: ubig }),
    bytes(32),
    signature,
  )
  .map(([body, key, sealed]) => new Transaction(body, key, sealed, encodeBody(body)));

type EventFields = { readonly [T in EventType]: Fields<Omit<EventOf<T>, 'type'>> };
const lease = { lease: id, tenant: word, provider: word };
const register = { provider: word, region: word, attributes };
const chainEvents: EventFields = {
  TransactionFailed: { account: word, nonce: uint, message: word, code: word, detail: text(960), object: id },
  DeploymentSubmitted: { deployment: id, tenant: word, escrow: ubig },
  OrderOpened: { order: id, tenant: word, infrastructure, matchFrom: uint, closesAt: uint, collateral: ubig },
  OrderClosed: { order: id, tenant: word, region: word, reason: word },
  FulfillmentPlaced: {
    fulfillment: id,
    order: id,
    provider: word,
    region: word,
    total: ubig,
    collateral: ubig,
    position: uint,
  },
  FulfillmentClosed: { fulfillment: id, order: id, provider: word, region: word, total: ubig, reason: text(960) },
  FulfillmentChosen: { order: id, provider: word, tenant: word },
  LeaseCreated: {
    ...lease,
    fulfillment: id,
    region: word,
    resources,
    price: ubig,
    maximum: ubig,
    collateral: ubig,
    bids: uint,
    version: bytes(32),
  },
  LeaseActive: lease,
  LeaseConfirmed: lease,
  LeasePaid: { ...lease, amount: ubig, tax: ubig, paid: ubig },
  LeaseClosing: { ...lease, reason: word, unpaid: ubig },
  LeaseClosed: { ...lease, reason: word, collateral: ubig, resetConfirmed: bool },
  LeaseBroken: {
    ...lease,
    forfeited: ubig,
    toTenant: ubig,
    burned: ubig,
    stakeSlashed: ubig,
    unpaid: ubig,
    renewed: bool,
  },
  DeploymentUpdated: { deployment: id, tenant: word },
  DeploymentClosing: { deployment: id, tenant: word, reason: word, refund: ubig },
  DeploymentClosed: { deployment: id, tenant: word, reason: word },
  EscrowDeposited: { deployment: id, tenant: word, from: word, amount: ubig, escrow: ubig },
  ProviderRegistered: register,
  ProviderUpdated: register,
  ProviderJailed: { provider: word, until: uint },
  Transferred: { from: word, to: word, amount: ubig },
  StakeBonded: { account: word, validator: word, amount: ubig },
  StakeUnbonding: { account: word, source: word, target: word, amount: ubig, maturesAt: uint },
  StakeReleased: { account: word, source: word, amount: ubig },
  StakeSlashed: { account: word, source: word, amount: ubig, reason: word },
  RewardsWithdrawn: { account: word, validator: word, amount: ubig },
  ProposalSubmitted: { proposal: uint, proposer: word, endsAt: uint },
  Voted: { proposal: uint, voter: word, choice: word },
  ProposalEnded: { proposal: uint, outcome: word, effectiveAt: uint },
  ParameterChanged: { proposal: uint, name: word, value: word },
  Granted: { grant: id, granter: word, grantee: word },
  Revoked: { grant: id, granter: word, grantee: word },
  CandidateRegistered: { candidate: word, consensusKey: hash, commission: uint },
  ValidatorJailed: { validator: word, until: uint, missed: uint, burned: ubig },
  ValidatorUnjailed: { validator: word },
  ValidatorTombstoned: { validator: word, height: uint },
  OffencePunished: { validator: word, offence: word, burned: ubig },
  ValidatorSetChanged: { height: uint, size: uint, power: uint },
};
export const event = union<Event>('type', chainEvents);

const header: fc.Arbitrary<Header> = record({
  chainId: text(64),
  height: uint,
  time: uint,
  parent: bytes(32),
  proposer: address,
  content: bytes(32),
  appHash: hash,
  receipts: hash,
  events: hash,
  validators: hash,
  nextValidators: hash,
  lastCommit: hash,
});
const commit: fc.Arbitrary<Commit> = record({
  height: uint,
  round: uint,
  value: valueId,
  signatures: few(record({ validator: address, forValue: bool, time: uint, signature })),
});
const members: fc.Arbitrary<readonly Validator[]> = few(record({ address, consensusKey: hash, power: uint }));
const lightBlock: fc.Arbitrary<LightBlock<Header>> = record({
  header,
  commit,
  validators: members,
  nextValidators: fc.option(members, { nil: undefined }),
});

const leafName = text(256);
const provenLeaf: fc.Arbitrary<ProvenLeaf> = record({
  leaf: leafName,
  bytes: fc.option(bytes(300)),
  proof: record({
    siblings: few(hash),
    other: fc.option(record({ keyHash: hash, valueHash: hash }), { nil: undefined }),
  }),
});
const path = few(hash);
const batch: fc.Arbitrary<TopicBatch> = record({
  topic: leafName,
  events: few(event),
  proof: record({
    size: uint,
    index: fc.oneof(fc.constant(-1), fc.nat(2 ** 40)),
    path,
    before: fc.option(bytes(300)),
    after: fc.option(record({ leaf: bytes(300), path })),
  }),
});

/** Values of a parameter: its bounds, and whatever lies between. */
function anyValueOf(name: ParameterName): fc.Arbitrary<number | bigint | string> {
  const kind = PARAMETERS[name];
  if (kind.kind === 'number') return fc.integer({ min: kind.min, max: kind.max });
  if (kind.kind === 'money') return fc.bigInt({ min: 0n, max: 10n ** 18n });
  return fc.constantFrom(...kind.choices);
}
const names = Object.keys(PARAMETERS) as ParameterName[];
const params = record(Object.fromEntries(names.map(name => [name, anyValueOf(name)])) as never) as fc.Arbitrary<Params>;

type QueryFields = { readonly [W in Query['what']]: Fields<Omit<Extract<Query, { readonly what: W }>, 'what'>> };
const queries: QueryFields = {
  leaf: { leaf: leafName },
  status: {},
  account: { address },
  provider: { address },
  deployment: { id },
  endpoint: { address },
};
const version = bytes(32);
const leaseState = fc.constantFrom('pending' as const, 'active' as const, 'closing' as const);
type AnswerFields = { readonly [W in Answer['what']]: Fields<Omit<Extract<Answer, { readonly what: W }>, 'what'>> };
const answers: AnswerFields = {
  leaf: { height: uint, value: provenLeaf },
  status: { value: record({ chainId: text(64), height: uint, time: uint, params }) },
  account: { value: record({ address, nonce: uint, balance: ubig }) },
  provider: {
    value: record({
      leases: few(
        record({
          lease: id,
          state: leaseState,
          resources,
          collateral: ubig,
          version,
        }),
      ),
      bids: few(record({ order: id, resources })),
    }),
  },
  deployment: {
    value: record({
      id,
      height: uint,
      view: fc.option(
        record({
          version,
          state: fc.constantFrom('open', 'closing'),
          escrow: ubig,
          orders: few(id),
          leases: few(record({ lease: id, provider: address, state: leaseState, price: ubig })),
        }),
      ),
    }),
  },
  endpoint: { value: record({ address, endpoint: fc.option(text(256)) }) },
};

const part: fc.Arbitrary<Part> = record({
  index: fc.nat(1_023),
  total: fc.nat(1_024),
  bytes: bytes(400),
  proof: few(hash),
});
const held: fc.Arbitrary<VotesHeld> = record({
  round: uint,
  kind: fc.constantFrom('prevote', 'precommit'),
  value: fc.option(valueId),
  places: bytes(125),
});

export type WireType = Wire['type'];
type WireFields = { readonly [T in WireType]: Fields<Omit<Extract<Wire, { readonly type: T }>, 'type'>> };
const fields: WireFields = {
  submit: { tx: transaction },
  refused: { account: address, nonce: uint, code: text(64), detail: text(1_024) },
  subscribe: { topics: few(leafName) },
  events: {
    height: uint,
    time: uint,
    topic: leafName,
    events: few(event),
    nonce: fc.oneof(fc.constant(-1), fc.nat(2 ** 40)),
  },
  follow: { serial: uint, from: uint, topics: few(leafName) },
  header: {
    serial: uint,
    header,
    commit,
    nextValidators: fc.option(members),
    batches: few(batch),
    leaves: few(provenLeaf),
  },
  query: { query: union<Query>('what', queries) },
  answer: { answer: union<Answer>('what', answers) },
  piece: { index: fc.nat(255), total: fc.nat(256), bytes: bytes(400) },
  hello: { chainId: text(64), validator: fc.oneof(fc.constant(''), address), height: uint },
  links: { lacks: few(address) },
  proposal: { proposal },
  part: { height: uint, value: valueId, root: hash, part },
  votes: { votes: few(vote) },
  inventory: {
    height: uint,
    round: fc.oneof(fc.constant(-1), fc.nat(9), fc.nat(2 ** 40)),
    votes: few(held),
    proposals: few(record({ round: uint, value: valueId })),
    values: few(valueId),
    decided: bool,
  },
  ahead: { height: uint, oldest: uint },
  getBlock: { height: uint },
  block: { height: uint, index: fc.nat(1_023), total: fc.nat(1_024), bytes: bytes(400), newest: uint },
  getLight: { height: uint },
  light: { height: uint, block: fc.option(lightBlock) },
  getSnapshot: {},
  snapshot: { manifest: fc.option(bytes(400)) },
  getChunk: { height: uint, index: uint },
  chunk: { height: uint, index: uint, bytes: fc.option(bytes(400)) },
  relay: { tx: transaction },
  tenantHello: { tenant: address, challenge: hash },
  providerHello: { provider: address, challenge: hash, key: hash, signature },
  tenantProof: { key: hash, signature },
  sessionRefused: { code: fc.constantFrom('bad_proof', 'busy', 'not_ready') },
  manifestOffer: { lease: id, version, group: text(1_024), bytes: uint },
  manifestWanted: { lease: id, version },
  manifestChunk: { lease: id, offset: uint, bytes: bytes(400) },
  manifestResult: {
    lease: id,
    version,
    code: fc.constantFrom('accepted', 'unknown_lease', 'wrong_version', 'mismatch', 'timeout'),
    detail: text(240),
  },
  getLeaseStatus: { lease: id },
  leaseStatus: {
    status: record({
      lease: id,
      version: fc.option(version),
      services: few(
        record({
          name: text(64),
          wanted: uint,
          running: uint,
          addresses: few(
            record({
              port: fc.nat(65_535),
              protocol: fc.constantFrom('TCP', 'UDP'),
              host: text(256),
              hostPort: fc.nat(65_535),
            }),
          ),
        }),
      ),
    }),
  },
  getLeaseLog: { serial: uint, lease: id, service: text(64), lines: fc.nat(1_000) },
  leaseLog: {
    serial: uint,
    code: fc.constantFrom('ok', 'unknown_lease', 'unknown_service', 'busy'),
    replicas: few(record({ service: text(64), replica: uint, lines: fc.option(few(text(300))) })),
  },
};

export const WIRE_TYPES = Object.keys(fields) as readonly WireType[];

/** Messages of one type. */
export function wireOf(type: WireType): fc.Arbitrary<Wire> {
  return record({ type: fc.constant(type), ...fields[type] } as never);
}

export const wire: fc.Arbitrary<Wire> = fc.oneof(...WIRE_TYPES.map(wireOf));
