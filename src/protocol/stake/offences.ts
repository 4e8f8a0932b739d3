/**
 * Double-signing: whoever brings proof of it has the offender slashed and tombstoned (MARKET rules, section 5).
 *
 * Stake answers once for the double-signing of its validator, however many offences come to light and in whatever
 * order: one misconfigured twin signs everything twice, and must not cost its delegators everything. So the first
 * evidence slashes what is bonded and what has left since the offence. Evidence of a later offence of the same validator
 * finds nobody unpunished and is refused, as is the same offence once more. Evidence of an earlier one slashes what
 * had left in between, which stood behind that offence and would else escape. The outcome is that of the earliest
 * offence alone, and no list of offences has to be kept.
 */
import { faultOfEvidence, offenceKey, offenceOf } from '../consensus/evidence.ts';
import { ValidatorSet } from '../consensus/validator-set.ts';
import type { MessageOf } from '../model/messages.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import type { Signing } from './candidates.ts';
import { validatorsAt } from './set-history.ts';
import { slashValidator } from './slashing.ts';

/** Punishes an offence of which there is proof. Anyone may bring it, and gets nothing for it. */
export function submitEvidence(state: State, signing: Signing, msg: MessageOf<'SubmitEvidence'>): Refusal | null {
  const { evidence } = msg;
  const { validator, height } = offenceOf(evidence);
  if (height > state.height) return refuse('bad_evidence', `height ${height} is still to come`);
  const { evidenceFrom } = state.chainwide;
  if (height < evidenceFrom)
    return refuse('evidence_expired', `the offence is of height ${height}, evidence from ${evidenceFrom} on is heard`);
  const candidate = state.candidates.get(validator);
  if (candidate === undefined) return refuse('bad_evidence', `${validator} is not a candidate`);
  const known = candidate.doubleSignedAt;
  if (candidate.tombstoned && height >= known)
    return refuse('already_punished', `${validator} was punished for double-signing from height ${known} on`);
  const members = validatorsAt(state, height);
  const set = members === undefined ? undefined : ValidatorSet.of(members);
  const fault = faultOfEvidence(signing.chainId, evidence, set, signing.scheme);
  if (fault !== null) return refuse('bad_evidence', fault);
  punish(state, validator, height, known, offenceKey(evidence));
  return null;
}

/** @param known the lowest height of an offence that was punished before; 0 when none was */
function punish(state: State, validator: string, height: number, known: number, offence: string): void {
  const candidate = state.candidates.edit(validator);
  candidate.jailed = true;
  candidate.jailedUntil = 0;
  candidate.doubleSignedAt = height;
  if (state.signings.has(validator)) state.signings.remove(validator);
  const span = known === 0 ? { offence: height } : { offence: height, punishedFrom: known };
  const burned = slashValidator(state, validator, state.params.doubleSignSlash, 'double_sign', span);
  if (known === 0) state.emit({ type: 'ValidatorTombstoned', validator, height });
  state.emit({ type: 'OffencePunished', validator, offence, burned });
}
