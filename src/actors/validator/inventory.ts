/** What a node that is stuck, or that looks back, tells of what it holds, and what a peer finds missing there. */
import type { ValueId, Vote, VoteKind } from '../../protocol/consensus/types.ts';
import type { Effects } from '../actor.ts';
import {
  type Gossip,
  MAX_PROPOSALS_TOLD,
  MAX_VALUES_TOLD,
  MAX_VOTES,
  MAX_VOTES_HELD,
  type VotesHeld,
} from '../gossip.ts';
import type { Wire } from '../wire.ts';
import type { Height } from './height.ts';
import type { Peer } from './peers.ts';

export type Inventory = Extract<Gossip, { readonly type: 'inventory' }>;

/** Rounds that an inventory tells of: the newest ones, and as many older ones on which a lock may hang. */
const MAX_ROUNDS = 16;
/** Blocks that are sent for one inventory. */
const MAX_VALUES = 4;
const KINDS: readonly VoteKind[] = ['prevote', 'precommit'];

/** What is held of a height. Of more than a message has room for, what is newest; the rest comes once too often. */
export function inventoryOf(current: Height, decided = false): Inventory {
  const { driver } = current;
  const rounds = roundsThatMatter(current);
  const votes: VotesHeld[] = [];
  for (const round of rounds) {
    for (const kind of KINDS) {
      const byValue = new Map<ValueId | null, Uint8Array>();
      for (const { value, validator } of driver.votesOf(round, kind)) {
        let places = byValue.get(value);
        if (places === undefined) byValue.set(value, (places = new Uint8Array((driver.set.size + 7) >> 3)));
        const place = driver.set.place(validator);
        places[place >> 3]! |= 1 << (place & 7);
      }
      for (const [value, places] of byValue) votes.push({ round, kind, value, places });
    }
  }
  const proposals = rounds.flatMap(round => driver.proposals(round).map(({ value }) => ({ round, value })));
  return {
    type: 'inventory',
    height: current.height,
    round: driver.round,
    votes: newest(votes, MAX_VOTES_HELD),
    proposals: newest(proposals, MAX_PROPOSALS_TOLD),
    values: newest(current.values.names, MAX_VALUES_TOLD),
    decided,
  };
}

function newest<T>(all: readonly T[], most: number): readonly T[] {
  return all.length <= most ? all : all.slice(-most);
}

/** Sends a peer at the same height what its inventory lacks. */
export function sendMissing(current: Height, inventory: Inventory, peer: Peer, out: Effects<Wire>): void {
  const { driver } = current;
  const rounds = roundsThatMatter(current);
  const proposed = new Set(inventory.proposals.map(({ round, value }) => `${round}/${value}`));
  // Proposals and blocks first: votes for a value that is not known are of little use.
  for (const round of rounds) {
    for (const proposal of driver.proposals(round))
      if (!proposed.has(`${round}/${proposal.value}`)) out.send(peer.connection, { type: 'proposal', proposal });
  }
  if (!inventory.decided) sendMissingValues(current, inventory, peer, out);
  const votes = missingVotes(current, inventory, rounds);
  for (let from = 0; from < votes.length; from += MAX_VOTES)
    out.send(peer.connection, { type: 'votes', votes: votes.slice(from, from + MAX_VOTES) });
}

/**
 * The newest rounds, ascending, and before them the newest of those in which a quorum voted for a value. Of the others
 * nobody needs anything: a height may take thousands of rounds, and those who ask do not tell of all that they hold.
 */
function roundsThatMatter({ driver }: Height): number[] {
  const rounds = driver.votes.rounds();
  const hangOn = (round: number): boolean =>
    KINDS.some(kind => typeof driver.votes.quorumValue(kind, round) === 'string');
  return [...rounds.slice(0, -MAX_ROUNDS).filter(hangOn).slice(-MAX_ROUNDS), ...rounds.slice(-MAX_ROUNDS)];
}

function sendMissingValues({ height, values }: Height, inventory: Inventory, peer: Peer, out: Effects<Wire>): void {
  const missing = values.names.filter(value => !inventory.values.includes(value)).slice(-MAX_VALUES);
  for (const value of missing) {
    const { root, parts } = values.get(value)!;
    for (const part of parts) out.send(peer.connection, { type: 'part', height, value, root, part });
  }
}

function missingVotes({ driver }: Height, inventory: Inventory, rounds: readonly number[]): Vote[] {
  const held = new Map<string, Uint8Array>();
  for (const { round, kind, value, places } of inventory.votes) held.set(`${round}/${kind}/${value}`, places);
  const missing: Vote[] = [];
  for (const round of rounds) {
    for (const kind of KINDS) {
      for (const vote of driver.votesOf(round, kind)) {
        const place = driver.set.place(vote.validator);
        const places = held.get(`${round}/${kind}/${vote.value}`);
        if (((places?.[place >> 3] ?? 0) & (1 << (place & 7))) === 0) missing.push(vote);
      }
    }
  }
  return missing;
}
