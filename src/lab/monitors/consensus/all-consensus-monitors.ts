/** The whole set of monitors of consensus, as simulations and hunts with several validators put them on. */
import type { SignatureScheme } from '../../../protocol/codec/signature.ts';
import type { ConsensusFacts, ConsensusMonitor } from './consensus-monitor.ts';
import { DecisionMonitor } from './decisions.ts';
import { DoubleSignMonitor } from './double-sign.ts';
import { Heard } from './heard.ts';
import { HeightEntryMonitor } from './height-entry.ts';
import { PrecommitPolkaMonitor } from './precommit-polka.ts';
import { PrevoteLockMonitor } from './prevote-lock.ts';
import { PrevoteProposalMonitor } from './prevote-proposal.ts';
import { ProofOfLockMonitor } from './proof-of-lock.ts';
import { ProposerScheduleMonitor } from './proposer-schedule.ts';
import { Rotation } from './rotation.ts';
import { RoundEntryMonitor } from './round-entry.ts';
import { VoteFormMonitor } from './vote-form.ts';

/** What sharpens the monitors where it is known. */
export interface MoreFacts {
  /**
   * Checks signatures, each word's once. Without it every word is taken for its speaker's, which is right only where
   * nobody forges or garbles the words of others.
   */
  readonly scheme?: SignatureScheme;
  /** Time of an executed block, microseconds; undefined when it is not known. Without it votes' times go unchecked. */
  readonly timeOfBlock?: (height: number) => number | undefined;
}

/**
 * A fresh set, for one chain followed from its first block on. All of them must be told everything, in one order: they
 * share one book of what was heard. A violation of several rules is reported by the first monitor of the list.
 */
export function consensusMonitors(facts: ConsensusFacts, more: MoreFacts = {}): ConsensusMonitor[] {
  const heard = new Heard(facts, more.scheme);
  const rotation = new Rotation(height => facts.setAt(height));
  return [
    new VoteFormMonitor(heard, more.timeOfBlock),
    new DoubleSignMonitor(heard),
    new ProposerScheduleMonitor(heard, rotation),
    new ProofOfLockMonitor(heard),
    new HeightEntryMonitor(heard),
    new RoundEntryMonitor(heard),
    new PrevoteLockMonitor(heard, rotation),
    new PrevoteProposalMonitor(heard, rotation),
    new PrecommitPolkaMonitor(heard, rotation),
    new DecisionMonitor(heard, facts),
  ];
}
