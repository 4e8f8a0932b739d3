/**
 * How a validator behaves, honestly or not. Everything dishonest that a study wants is a setting here.
 *
 * A validator that misbehaves is an honest node with its keys in other hands: what it says, or what it proposes, is
 * distorted on its way out, and the honest code is the same for everybody. So its own chain stays right, whatever it
 * tells others.
 */
import type { Actor, RandomStream } from '../actor.ts';
import type { Wire } from '../wire.ts';
import { BadProposer } from './misconduct/bad-proposer.ts';
import { favouring, invalidBlocks, wrongMatches } from './misconduct/blocks.ts';
import { Equivocator } from './misconduct/equivocator.ts';
import { Forger } from './misconduct/forger.ts';
import { Liar } from './misconduct/liar.ts';
import { Mutator } from './misconduct/mutator.ts';
import { NilVoter, WrongProofOfLock } from './misconduct/restater.ts';
import { type Speech, Tampered } from './misconduct/tampered.ts';
import { Withholder } from './misconduct/withholder.ts';
import { Node, type NodeOptions } from './node.ts';

/** What a validator says under its own name. */
export const STATEMENTS = ['votes', 'proposals', 'parts'] as const;
export type Statement = (typeof STATEMENTS)[number];

/**
 * Of what an equivocator has two versions. `bodies`: a second body, which is none, under the name of its block, so that
 * one value is valid to some and garbage to others; that is no offence which could be proved.
 */
export const VERSIONS = ['votes', 'proposals', 'bodies'] as const;
export type Version = (typeof VERSIONS)[number];

/**
 * What can be wrong with a block: another state than the parent's, another time than the commit gives, a transaction
 * that is not includable, what is due left out.
 */
export const BLOCK_FAULTS = ['appHash', 'time', 'transaction', 'facilitation'] as const;
export type BlockFault = (typeof BLOCK_FAULTS)[number];

/** What can be wrong with a match: another bid than the rule's, none where one is due, one of an order that had one. */
export const MATCH_FAULTS = ['winner', 'withheld', 'stale'] as const;
export type MatchFault = (typeof MATCH_FAULTS)[number];

/** Fields that a mutator changes. */
export const MUTATED_FIELDS = ['round', 'height', 'value', 'validator', 'signature'] as const;
export type MutatedField = (typeof MUTATED_FIELDS)[number];

/** What can be lied about: blocks to those who fetch them, heights that are not there, answers and news to clients. */
export const LIES = ['blocks', 'heights', 'answers'] as const;
export type Lie = (typeof LIES)[number];

export type ValidatorConduct =
  | { readonly kind: 'honest' }
  /** Says one thing to half of its peers and another to the other half. */
  | { readonly kind: 'equivocate'; readonly of: readonly Version[] }
  /** Keeps this share of its own statements to itself; drawn for each recipient. */
  | { readonly kind: 'withhold'; readonly share: number; readonly of: readonly Statement[] }
  | { readonly kind: 'voteNil' }
  /** Its proposals refer to a round in which nobody voted for them. */
  | { readonly kind: 'wrongProofOfLock' }
  /** The faults take turns, by height. One that cannot be committed in a block leaves the block as it is. */
  | { readonly kind: 'invalidBlocks'; readonly faults: readonly BlockFault[] }
  | { readonly kind: 'wrongMatch'; readonly faults: readonly MatchFault[] }
  /** Changes one field in this share of what it says. `signed`: as its own word; else the old signature stays. */
  | {
      readonly kind: 'mutate';
      readonly share: number;
      readonly fields: readonly MutatedField[];
      readonly signed: boolean;
    }
  | { readonly kind: 'lie'; readonly about: readonly Lie[] }
  /** Puts the transactions of these accounts first in its blocks, and leaves bids of all others out of them. */
  | { readonly kind: 'favour'; readonly accounts: readonly string[] }
  /** Runs a second node with the same keys, under the name `twinOf`. The two know nothing of each other. */
  | { readonly kind: 'twins' };

export const HONEST_VALIDATOR: ValidatorConduct = { kind: 'honest' };

/** The name of a validator's second instance. */
export function twinOf(name: string): string {
  return `${name}-twin`;
}

/**
 * The node of a validator that behaves like this. Whatever it distorts it observes as `byzantine/<what>`.
 * @param random what is drawn is drawn from here
 */
export function validatorNode(options: NodeOptions, conduct: ValidatorConduct, random: RandomStream): Actor<Wire> {
  return actorAndNode(options, conduct, random).actor;
}

/** The same, with the node within, for whoever wants to know how it is. */
export function actorAndNode(
  options: NodeOptions,
  conduct: ValidatorConduct,
  random: RandomStream,
): { readonly actor: Actor<Wire>; readonly node: Node } {
  const { validator, chain } = options;
  const plain = (node: Node) => ({ actor: node, node });
  if (conduct.kind === 'honest' || conduct.kind === 'twins') return plain(new Node(options));
  if (validator === null) throw new Error('only a validator can misbehave as one');
  const forger = new Forger(chain.genesis.chainId, validator.address, validator.keys, chain.scheme);
  switch (conduct.kind) {
    case 'invalidBlocks':
      return plain(new BadProposer(options, invalidBlocks(conduct.faults, forger)));
    case 'wrongMatch':
      return plain(new BadProposer(options, wrongMatches(conduct.faults)));
    case 'favour':
      return plain(new BadProposer(options, favouring(validator.address, conduct.accounts)));
    default: {
      const node = new Node(options);
      return { actor: new Tampered(node, speechOf(conduct, forger, node, random)), node };
    }
  }
}

type Spoken = Exclude<ValidatorConduct, { kind: 'honest' | 'twins' | 'invalidBlocks' | 'wrongMatch' | 'favour' }>;

function speechOf(conduct: Spoken, forger: Forger, node: Node, random: RandomStream): Speech {
  switch (conduct.kind) {
    case 'equivocate':
      return new Equivocator(forger, conduct.of, () => node.chain);
    case 'withhold':
      return new Withholder(forger.address, conduct.share, conduct.of, random);
    case 'voteNil':
      return new NilVoter(forger);
    case 'wrongProofOfLock':
      return new WrongProofOfLock(forger);
    case 'mutate':
      return new Mutator(forger, conduct, () => node.chain, random);
    case 'lie':
      return new Liar(conduct.about);
  }
}
