/**
 * The leaves of the state commitment, kind by kind: their keys, how one is written from rows, and how rows are restored
 * from one. Whatever keeps, proves or hands out a whole state goes by this table.
 *
 * One leaf per deployment, with its orders, bids and leases; everything else apart. Every table of the state stands in
 * `SHOWN_IN`, or this file does not compile: a row that is in no leaf would be neither committed to nor restored.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ByteReader, ByteWriter } from '../codec/bytes.ts';
import { type Codec, encode } from '../codec/struct.ts';
import type { Row } from '../ledger/journal.ts';
import type { Table } from '../ledger/table.ts';
import { Provider } from '../model/market-rows.ts';
import type { Params } from '../model/params.ts';
import { paramsCodec } from '../model/params-codec.ts';
import { Account } from '../model/rows.ts';
import {
  Ballot,
  Candidate,
  Delegation,
  type Elected,
  GrantRow,
  Milestone,
  Proposal,
  SetRow,
  SigningRow,
  Unbonding,
} from '../model/stake-rows.ts';
import type { State } from '../model/state.ts';
import { DUE_TAKES_EFFECT, DUE_VOTE_ENDS } from '../stake/governance.ts';
import { DUE_MATURES } from '../stake/staking.ts';
import { restoreDeployment, writeDeployment } from './deployment-leaf.ts';
import {
  accountLeaf,
  ballotLeaf,
  candidateLeaf,
  chainwideLeaf,
  delegationLeaf,
  grantLeaf,
  milestoneLeaf,
  proposalLeaf,
  providerLeaf,
  seatsLeaf,
  setLeaf,
  signingLeaf,
  unbondingLeaf,
} from './leaf-shapes.ts';

/** One kind of leaf. A leaf is called `kind/key`, or just `kind` where there is but one. */
export interface LeafKind {
  readonly kind: string;
  /** Every state has one leaf of this kind, without a key. */
  readonly isSingle: boolean;
  /** The names of all its leaves, in no order that may decide anything. */
  names(state: State): Iterable<string>;
  /** Appends the bytes of a leaf; false when the state has none under this key. */
  write(writer: ByteWriter, state: State, key: string): boolean;
  /**
   * Puts the rows that a leaf shows into a state that does not have them, with their places in indexes and groups.
   * Throws DecodeError for bytes that are no such leaf.
   */
  restore(reader: ByteReader, state: State, key: string): void;
}

type TableName = {
  [K in keyof State]: State[K] extends Table<infer _R extends Row> ? K : never;
}[keyof State];

/** A kind of leaf that shows one row each, under the row's own key. */
function perRow<R extends Row, V extends object>(
  kind: string,
  tableOf: (state: State) => Table<R>,
  codec: Codec<V>,
  /** The row of a leaf; null when the key is no key of such a row. */
  rowOf: (key: string, value: V) => R | null,
  /** Enters a row where it stands besides its table. */
  enter: (state: State, row: R, value: V) => void = () => {},
  keyInTable: (key: string) => string = key => key,
): LeafKind {
  return {
    kind,
    isSingle: false,
    *names(state) {
      for (const row of tableOf(state).unordered()) yield row.leaf();
    },
    write(writer, state, key) {
      const row = tableOf(state).get(keyInTable(key));
      if (row === undefined) return false;
      codec.write(writer, row as unknown as V);
      return true;
    },
    restore(reader, state, key) {
      const value = codec.read(reader);
      const row = rowOf(key, value);
      if (row === null || row.leaf() !== `${kind}/${key}`) throw reader.error(`key ${key}`, `the key of a ${kind}`, 0);
      enter(state, row, value);
      tableOf(state).insert(row);
    },
  };
}

/** The two halves of a key, cut at its only slash; null for any other. */
function halves(key: string): readonly [string, string] | null {
  const parts = key.split('/');
  return parts.length === 2 ? [parts[0] as string, parts[1] as string] : null;
}

function restored<R extends Row>(row: R, changing: Partial<R>): R {
  return Object.assign(row, changing);
}

const texts = new WeakMap<Params, Uint8Array>();

/** The texts of all parameters, as the leaf holds them. Written once: other parameters are another object. */
function parameterTexts(params: Params): Uint8Array {
  let bytes = texts.get(params);
  if (bytes === undefined) {
    texts.set(params, (bytes = encode(paramsCodec, params)));
  }
  return bytes;
}

/** A kind of which every state has one leaf. */
function single(
  kind: string,
  write: (writer: ByteWriter, state: State) => void,
  restore: (reader: ByteReader, state: State) => void,
): LeafKind {
  return {
    kind,
    isSingle: true,
    names: () => [kind],
    write(writer, state) {
      write(writer, state);
      return true;
    },
    restore,
  };
}

const CHAINWIDE = single(
  'chainwide',
  (writer, state) => chainwideLeaf.write(writer, state.chainwide),
  (reader, state) => Object.assign(state.editChainwide(), chainwideLeaf.read(reader)),
);

const PARAMS = single(
  'params',
  (writer, state) => writer.raw(parameterTexts(state.params)),
  (reader, state) => state.setParams(paramsCodec.read(reader)),
);

const SEATS = single(
  'seats',
  (writer, { seats }) =>
    seatsLeaf.write(writer, {
      validators: { set: seats.validatorsSet, priorities: seats.validators.map(one => one.priority) },
      upcoming: { set: seats.upcomingSet, priorities: seats.upcoming.map(one => one.priority) },
    }),
  (reader, state) => {
    const { validators, upcoming } = seatsLeaf.read(reader);
    const seats = state.editSeats();
    seats.validators = seated(reader, state, validators.set, validators.priorities);
    seats.validatorsSet = validators.set;
    seats.upcoming = seated(reader, state, upcoming.set, upcoming.priorities);
    seats.upcomingSet = upcoming.set;
  },
);

/** The members of a kept set with their priorities. */
function seated(reader: ByteReader, state: State, set: number, priorities: readonly number[]): readonly Elected[] {
  const members = state.sets.get(String(set))?.members ?? [];
  if (members.length !== priorities.length)
    throw reader.error(`${priorities.length} priorities in set ${set}`, `one for each of ${members.length} members`, 0);
  return members.map((member, i) => ({ ...member, priority: priorities[i] as number }));
}

const ACCOUNT = perRow(
  'account',
  state => state.accounts,
  accountLeaf,
  (key, value) => restored(new Account(key), value),
);

const PROVIDER = perRow(
  'provider',
  state => state.providers,
  providerLeaf,
  (key, { sequence, ...rest }) => {
    const { region, attributes, certificate, endpoint } = rest;
    return restored(new Provider(key, sequence, region, attributes, certificate, endpoint), rest);
  },
);

const CANDIDATE = perRow(
  'candidate',
  state => state.candidates,
  candidateLeaf,
  (key, { sequence, consensusKey, ...rest }) =>
    restored(new Candidate(key, sequence, consensusKey, rest.commission), rest),
  (state, { address, consensusKey }) => state.candidateOfKey.add(bytesToHex(consensusKey), address),
);

const SET = perRow(
  'set',
  state => state.sets,
  setLeaf,
  (key, { from, members }) => new SetRow(Number(key), from, members),
);

const MILESTONE = perRow(
  'milestone',
  state => state.milestones,
  milestoneLeaf,
  (key, { height, time }) => new Milestone(Number(key), height, time),
);

const SIGNING = perRow(
  'signing',
  state => state.signings,
  signingLeaf,
  (key, value) => restored(new SigningRow(key, 8 * value.misses.length), value),
);

const DELEGATION = perRow(
  'delegation',
  state => state.delegations,
  delegationLeaf,
  (key, value) => {
    const parts = halves(key);
    return parts === null ? null : restored(new Delegation(...parts), value);
  },
  (state, { delegator, validator }) => state.delegatorsOf.add(validator, Delegation.key(delegator, validator)),
);

const UNBONDING = perRow(
  'unbonding',
  state => state.unbondings,
  unbondingLeaf,
  (key, { account, source, target, height, maturesAt, amount }) =>
    new Unbonding(Number(key), account, source, target, height, maturesAt, amount),
  (state, row) => {
    const key = Unbonding.key(row.sequence);
    row.due = state.dueAtTime.add(row.maturesAt, row.sequence, DUE_MATURES, key);
    state.unbondingsOf.add(row.source, key);
    if (row.target !== '') state.arrivalsOf.add(Delegation.key(row.account, row.target), key);
  },
  key => `u${key}`,
);

const PROPOSAL = perRow(
  'proposal',
  state => state.proposals,
  proposalLeaf,
  (key, { proposer, title, changes, endsAt, state, effectiveAt }) =>
    // A change that passed takes effect at the end of the block before, so never at height 0.
    state === 'passed' && effectiveAt === 0
      ? null
      : restored(new Proposal(Number(key), proposer, title, changes, endsAt), { state, effectiveAt }),
  (state, { id, endsAt, effectiveAt, state: stage }) => {
    if (stage === 'voting') state.dueAtHeight.add(endsAt, id, DUE_VOTE_ENDS, String(id));
    else state.dueAtHeight.add(effectiveAt - 1, id, DUE_TAKES_EFFECT, String(id));
  },
);

const BALLOT = perRow(
  'ballot',
  state => state.ballots,
  ballotLeaf,
  (key, { choice }) => {
    const parts = halves(key);
    return parts === null ? null : new Ballot(Number(parts[0]), parts[1], choice);
  },
  (state, { proposal, voter }) => state.ballotsOf.add(String(proposal), Ballot.key(proposal, voter)),
);

const GRANT = perRow(
  'grant',
  state => state.grants,
  grantLeaf,
  (key, { granter, grantee, messages, deployment, expires, left }) =>
    new GrantRow(key, granter, grantee, messages, deployment, expires, left),
);

const DEPLOYMENT: LeafKind = {
  kind: 'deployment',
  isSingle: false,
  *names(state) {
    for (const row of state.deployments.unordered()) yield row.leaf();
  },
  write(writer, state, key) {
    const row = state.deployments.get(key);
    if (row === undefined) return false;
    writeDeployment(writer, state, row);
    return true;
  },
  restore: restoreDeployment,
};

/** In which kind of leaf the rows of a table are shown. */
const SHOWN_IN: { readonly [T in TableName]: LeafKind } = {
  accounts: ACCOUNT,
  providers: PROVIDER,
  candidates: CANDIDATE,
  sets: SET,
  milestones: MILESTONE,
  signings: SIGNING,
  delegations: DELEGATION,
  unbondings: UNBONDING,
  proposals: PROPOSAL,
  ballots: BALLOT,
  grants: GRANT,
  deployments: DEPLOYMENT,
  orders: DEPLOYMENT,
  fulfillments: DEPLOYMENT,
  leases: DEPLOYMENT,
};

/** All kinds, in the order in which a snapshot holds them. */
export const LEAF_KINDS: readonly LeafKind[] = [...new Set([CHAINWIDE, PARAMS, ...Object.values(SHOWN_IN), SEATS])];

const byKind = new Map(LEAF_KINDS.map(one => [one.kind, one]));

/** The kind of a leaf and its key within it; undefined when that is no leaf's name. */
export function partsOfLeaf(leaf: string): { readonly kind: LeafKind; readonly key: string } | undefined {
  const cut = leaf.indexOf('/');
  const kind = byKind.get(cut < 0 ? leaf : leaf.slice(0, cut));
  // Only what there is once has no key: each leaf has one name.
  if (kind === undefined || cut < 0 !== kind.isSingle) return undefined;
  return { kind, key: cut < 0 ? '' : leaf.slice(cut + 1) };
}

/** A leaf's bytes, in the writer's memory; null when there is nothing under its key. */
export function leafBytes(state: State, leaf: string, writer: ByteWriter): Uint8Array | null {
  const parts = partsOfLeaf(leaf);
  if (parts === undefined) throw new Error(`unknown leaf ${leaf}`);
  writer.reset();
  return parts.kind.write(writer, state, parts.key) ? writer.view() : null;
}

/** Every leaf that a state has, in no particular order. */
export function* allLeaves(state: State): Generator<string> {
  for (const kind of LEAF_KINDS) yield* kind.names(state);
}
