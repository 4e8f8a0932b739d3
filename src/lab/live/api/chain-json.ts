/** Blocks, validators, parameters and proofs of a chain, as the API shows them. */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { z } from 'zod';
import type { ProvenLeaf } from '../../../actors/wire.ts';
import { header as headerCodec, headerHash } from '../../../protocol/chain/block.ts';
import type { Chain } from '../../../protocol/chain/chain.ts';
import { stateProof } from '../../../protocol/codec/state-proof.ts';
import { encode } from '../../../protocol/codec/struct.ts';
import { lightBlock, lightBlockOf } from '../../../protocol/consensus/light-block.ts';
import { commit as commitCodec } from '../../../protocol/consensus/types.ts';
import { PARAMETER_NAMES, PARAMETERS } from '../../../protocol/model/params.ts';
import type { Candidate } from '../../../protocol/model/stake-rows.ts';
import type * as schemas from './node-schemas.ts';
import type { KeptBlock, RecentBlocks } from './recent-blocks.ts';
import { toJson } from './to-json.ts';
import { namesIn } from './topics.ts';

/** What an account is called, or null. */
export type NameOf = (address: string) => string | null;

const PPM = 1_000_000;

/** A share in parts per million, of totals that may be large. */
function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.floor((part / whole) * PPM);
}

export function blockSummary(kept: KeptBlock, nameOf: NameOf): z.infer<typeof schemas.blockSummary> {
  const { block, result, commit, voters, interval } = kept;
  const { height, time, proposer } = block.header;
  let signed = 0;
  for (const one of commit?.signatures ?? []) if (one.forValue) signed += voters?.get(one.validator)?.power ?? 0;
  return {
    height,
    time_us: time,
    interval_us: interval,
    hash: bytesToHex(result.hash),
    proposer,
    proposer_name: nameOf(proposer),
    round: commit?.round ?? null,
    power_signed_ppm: commit === null || voters === null ? null : share(signed, voters.totalPower),
    transactions: block.transactions.length,
    failed: result.receipts.slice(block.facilitation.length).filter(one => !one.ok).length,
    facilitation: block.facilitation.length,
    events: result.events.length,
  };
}

type Detail = z.infer<typeof schemas.blockDetail>;

export function blockDetail(kept: KeptBlock, nameOf: NameOf): Detail {
  const { block, result, commit } = kept;
  const { header, facilitation, transactions } = block;
  return {
    ...blockSummary(kept, nameOf),
    parent: bytesToHex(header.parent),
    header_hex: bytesToHex(encode(headerCodec, header)),
    app_hash: bytesToHex(result.appHash),
    commit:
      commit === null
        ? null
        : {
            round: commit.round,
            value: commit.value,
            signatures: commit.signatures.map(({ validator, forValue, time }) => {
              return { validator, for_value: forValue, time_us: time };
            }),
          },
    facilitation_items: facilitation.map((one, i) => {
      return { ...(toJson(one) as { type: string }), ...receiptOf(kept, i) };
    }),
    transaction_items: transactions.map((tx, i) => ({
      account: tx.body.account,
      nonce: tx.body.nonce,
      fee_uakt: tx.body.fee.toString(),
      size_bytes: tx.size,
      message: toJson(tx.body.message) as { type: string },
      ...receiptOf(kept, facilitation.length + i),
    })),
    names: { ...namesIn(result.events, nameOf) },
    event_items: result.events.map(one => toJson(one) as { type: string }),
  };
}

function receiptOf({ result }: KeptBlock, at: number): { ok: boolean; code: string; detail: string } {
  const { ok, code, detail } = result.receipts[at]!;
  return { ok, code, detail };
}

/** The set that votes next, and candidates without a place, with what each did in the newest commit that is known. */
export function validatorsJson(chain: Chain, recent: RecentBlocks, nameOf: NameOf): z.infer<typeof schemas.validators> {
  const { state, height } = chain;
  const set = chain.validators;
  const newest = recent.newest;
  const voted =
    newest === null || newest.commit !== null ? newest : (recent.get(newest.block.header.height - 1) ?? null);
  const votes = new Map(voted?.commit?.signatures.map(one => [one.validator, one.forValue ? 'for' : 'nil'] as const));
  const voteOf = (address: string): 'for' | 'nil' | 'absent' | null => {
    if (!voted?.commit || voted.voters?.get(address) === undefined) return null;
    return votes.get(address) ?? 'absent';
  };
  const row = (address: string, power: number): z.infer<typeof schemas.validator> => {
    const candidate = state.candidates.get(address);
    return {
      address,
      name: nameOf(address),
      power,
      power_ppm: share(power, set.totalPower),
      stake_uakt: (candidate?.stake ?? 0n).toString(),
      commission_ppm: candidate?.commission ?? 0,
      vote: voteOf(address),
      missed_blocks: state.signings.get(address)?.missed ?? 0,
      jailed: candidate?.jailed ?? false,
      tombstoned: candidate?.tombstoned ?? false,
    };
  };
  const waiting = [...state.candidates.unordered()].filter(one => !set.has(one.address)).sort(byStake);
  return {
    height,
    vote_height: voted?.commit ? voted.block.header.height : null,
    total_power: set.totalPower,
    validators: [
      ...set.members.map(one => row(one.address, one.power)),
      ...waiting.slice(0, MAX_WAITING).map(one => row(one.address, 0)),
    ],
  };
}

/** Candidates without a place that are shown. */
const MAX_WAITING = 1_000;

function byStake(a: Readonly<Candidate>, b: Readonly<Candidate>): number {
  return a.stake === b.stake ? a.sequence - b.sequence : a.stake > b.stake ? -1 : 1;
}

export function paramsJson(chain: Chain): z.infer<typeof schemas.params> {
  const { params } = chain.state;
  return {
    height: chain.height,
    params: PARAMETER_NAMES.map(name => {
      const kind = PARAMETERS[name];
      const value = params[name];
      return {
        name,
        value: typeof value === 'bigint' ? value.toString() : value,
        unit: kind.kind === 'choice' ? null : kind.unit,
        about: kind.about,
      };
    }),
  };
}

/**
 * A leaf of the state after a block, with what proves it to who trusts nobody.
 * @param next the block after, with its commit
 */
export function proofJson(height: number, proven: ProvenLeaf, next: KeptBlock): z.infer<typeof schemas.proof> {
  const { header } = next.block;
  const { commit, voters } = next;
  if (commit === null || voters === null) throw new Error(`block ${header.height} has no commit to prove it with`);
  const light = lightBlockOf(header, commit, voters, next.nextVoters);
  return {
    leaf: proven.leaf,
    height,
    leaf_hex: proven.bytes === null ? null : bytesToHex(proven.bytes),
    proof_hex: bytesToHex(encode(stateProof, proven.proof)),
    header_hash: bytesToHex(headerHash(header)),
    header_hex: bytesToHex(encode(headerCodec, header)),
    commit_hex: bytesToHex(encode(commitCodec, commit)),
    light_block_hex: bytesToHex(encode(lightBlock(headerCodec), light)),
  };
}
