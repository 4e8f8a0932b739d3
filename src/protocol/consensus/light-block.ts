/**
 * Light blocks, and whether one may be believed because another is: the pure half of the light client.
 *
 * A light block is a header with the commit for it and the validator sets that the header names by hash. Whoever trusts
 * one header knows by it who may sign the next height. The next header is believed if exactly that set committed to it;
 * a later one also if more than the trust level (a third at least) of that set's power signed it, because one of those
 * signers is honest, and its own set committed to it. All this holds for the trusting period only: it must be shorter
 * than unbonding, so that the validators of a trusted header can still be punished for what they sign now.
 */

import { equalBytes } from '../codec/bytes.ts';
import { EncodeError } from '../codec/errors.ts';
import type { SignatureScheme } from '../codec/signature.ts';
import { type Codec, optional, struct } from '../codec/struct.ts';
import { type Fraction, verifyCommitLight, verifyTrusting } from './commit.ts';
import { type Commit, commit, type Validator, type ValueId } from './types.ts';
import { members, ValidatorSet } from './validator-set.ts';

/** What a header must have for a light client to follow it. */
export interface LightHeader {
  readonly chainId: string;
  readonly height: number;
  /** microseconds */
  readonly time: number;
  /** Hash of the set of this height. */
  readonly validators: Uint8Array;
  /** Hash of the set of the next height. */
  readonly nextValidators: Uint8Array;
}

/** What the caller calls a node. */
export type NodeName = string;

/** What a node hands out about one height. Nothing in it is believed until it is verified. */
export interface LightBlock<H extends LightHeader = LightHeader> {
  readonly header: H;
  readonly commit: Commit;
  /** The set of this height. */
  readonly validators: readonly Validator[];
  /** The set of the next height; left out where it is the same set. */
  readonly nextValidators?: readonly Validator[] | undefined;
}

/** What is believed: a place in the chain and who signs the height after it. */
export interface Trusted {
  readonly height: number;
  /** Microseconds; the trusting period runs from here. */
  readonly time: number;
  /** Null for a genesis, which is at height 0 and has no header. */
  readonly value: ValueId | null;
  readonly nextValidators: ValidatorSet;
}

export interface VerifyOptions<H extends LightHeader> {
  readonly chainId: string;
  /** Microseconds. At this age exactly, trust has run out. */
  readonly trustingPeriod: number;
  /** At least a third, at most one. */
  readonly trustLevel: Fraction;
  /** Microseconds that another's clock may be ahead of ours. A header dated now plus this, or later, is refused. */
  readonly clockDrift: number;
  readonly scheme: SignatureScheme;
  /** The value id of a header: its hash, as validators sign it. */
  readonly idOf: (header: H) => ValueId;
}

/** Why a light block is invalid, for programs: `expired` is about what we trust, all others about the block; `root` is another block at the height where trust began. */
export type LightFault =
  | 'expired'
  | 'malformed'
  | 'chain-id'
  | 'height'
  | 'root'
  | 'time'
  | 'future'
  | 'validators'
  | 'next-validators'
  | 'commit';

export type Verdict =
  | { readonly verdict: 'SUCCESS'; readonly trusted: Trusted }
  | { readonly verdict: 'NOT_ENOUGH_TRUST'; readonly reason: string }
  | { readonly verdict: 'INVALID'; readonly fault: LightFault; readonly reason: string };

export const ONE_THIRD: Fraction = { numerator: 1, denominator: 3 };

/** The codec of light blocks, given that of the headers in them. */
export function lightBlock<H extends LightHeader>(header: Codec<H>): Codec<LightBlock<H>> {
  return struct({ header, commit, validators: members, nextValidators: optional(members) });
}

/** The light block of a height, without its second set where that is the first again. */
export function lightBlockOf<H extends LightHeader>(
  header: H,
  commit: Commit,
  validators: ValidatorSet,
  nextValidators: ValidatorSet,
): LightBlock<H> {
  const isSame = equalBytes(validators.hash(), nextValidators.hash());
  return {
    header,
    commit,
    validators: validators.members,
    nextValidators: isSame ? undefined : nextValidators.members,
  };
}

/** Throws RangeError unless durations are whole and not negative and the trust level is from a third to one. */
export function checkVerifyOptions<H extends LightHeader>(options: VerifyOptions<H>): void {
  const { trustingPeriod, clockDrift, trustLevel } = options;
  const { numerator, denominator } = trustLevel;
  if (!Number.isSafeInteger(trustingPeriod) || trustingPeriod <= 0) {
    throw new RangeError(`a trusting period of ${trustingPeriod} microseconds`);
  }
  if (!Number.isSafeInteger(clockDrift) || clockDrift < 0) {
    throw new RangeError(`a clock drift of ${clockDrift} microseconds`);
  }
  const isWhole = Number.isSafeInteger(3 * numerator) && Number.isSafeInteger(denominator) && denominator > 0;
  if (!isWhole || 3 * numerator < denominator || numerator > denominator) {
    throw new RangeError(`a trust level of ${numerator}/${denominator}, expected 1/3 to 1`);
  }
}

/** Whether what is trusted may no longer be built on at this time (microseconds). */
export function isExpired(trusted: Trusted, trustingPeriod: number, now: number): boolean {
  return trusted.time + trustingPeriod <= now;
}

/**
 * Whether `untrusted` may be believed at the time `now` because `trusted` is. Pure, and throws nothing because of what
 * the block holds. NOT_ENOUGH_TRUST is said only of a block that is flawless by itself: one nearer may lead to it.
 */
export function verify<H extends LightHeader>(
  trusted: Trusted,
  untrusted: LightBlock<H>,
  now: number,
  options: VerifyOptions<H>,
): Verdict {
  const { chainId, trustingPeriod, trustLevel, clockDrift, scheme } = options;
  const { header } = untrusted;
  // Comparisons with what is no number are all false: it must not get as far as them.
  if (!isDated(header)) return invalid('malformed', `height ${header.height} and time ${header.time}`);
  if (isExpired(trusted, trustingPeriod, now)) {
    return invalid('expired', `height ${trusted.height} was trusted until ${trusted.time + trustingPeriod}`);
  }
  if (header.height <= trusted.height) {
    return invalid('height', `height ${header.height} is not above the trusted ${trusted.height}`);
  }
  if (header.time <= trusted.time) return invalid('time', `time ${header.time} is not after ${trusted.time}`);
  if (header.time >= now + clockDrift) return invalid('future', `time ${header.time}, and it is ${now}`);
  const checked = checkByItself(untrusted, chainId, options);
  if ('verdict' in checked) return checked;
  if (header.height === trusted.height + 1) {
    if (!equalBytes(header.validators, trusted.nextValidators.hash())) {
      return invalid('validators', `not the set that height ${trusted.height} names for height ${header.height}`);
    }
  } else if (!verifyTrusting(chainId, trusted.nextValidators, untrusted.commit, trustLevel, scheme)) {
    const { numerator, denominator } = trustLevel;
    return {
      verdict: 'NOT_ENOUGH_TRUST',
      reason: `no more than ${numerator}/${denominator} of the power after height ${trusted.height} signed`,
    };
  }
  return { verdict: 'SUCCESS', trusted: checked };
}

/**
 * Whether a light block is the one of a value id that was learned elsewhere (from an operator, a friend, a release).
 * Its set must have committed to it, so that a mistyped id and a header that was never decided do not pass for a chain.
 */
export function verifyRoot<H extends LightHeader>(
  root: { readonly height: number; readonly value: ValueId },
  block: LightBlock<H>,
  now: number,
  options: VerifyOptions<H>,
): Verdict {
  const { header } = block;
  if (!isDated(header)) return invalid('malformed', `height ${header.height} and time ${header.time}`);
  if (header.height !== root.height) return invalid('height', `height ${header.height}, not ${root.height}`);
  const checked = checkByItself(block, options.chainId, options);
  if ('verdict' in checked) return checked;
  if (checked.value !== root.value) return invalid('root', `a block ${checked.value}, not ${root.value}`);
  if (header.time >= now + options.clockDrift) return invalid('future', `time ${header.time}, and it is ${now}`);
  if (isExpired(checked, options.trustingPeriod, now)) {
    return invalid('expired', `height ${root.height} was trusted until ${header.time + options.trustingPeriod}`);
  }
  return { verdict: 'SUCCESS', trusted: checked };
}

/** Everything about a light block that needs no trust: its sets are those of its header, and they committed to it. */
function checkByItself<H extends LightHeader>(
  block: LightBlock<H>,
  chainId: string,
  options: VerifyOptions<H>,
): Trusted | Extract<Verdict, { verdict: 'INVALID' }> {
  const { header, commit } = block;
  const value = valueOrNull(header, options.idOf);
  if (value === null) return invalid('malformed', 'a header without canonical bytes');
  if (header.chainId !== chainId) return invalid('chain-id', `a block of the chain ${header.chainId}`);
  const validators = setOrReason(block.validators);
  if (typeof validators === 'string') return invalid('validators', validators);
  const next = block.nextValidators === undefined ? validators : setOrReason(block.nextValidators);
  if (typeof next === 'string') return invalid('next-validators', next);
  if (!equalBytes(validators.hash(), header.validators))
    return invalid('validators', 'not the set that the header names');
  if (!equalBytes(next.hash(), header.nextValidators)) {
    return invalid('next-validators', 'not the next set that the header names');
  }
  const fault = verifyCommitLight(chainId, validators, commit, options.scheme, { height: header.height, value });
  if (fault !== null) return invalid('commit', fault);
  return { height: header.height, time: header.time, value, nextValidators: next };
}

function isDated(header: LightHeader): boolean {
  return Number.isSafeInteger(header.height) && header.height > 0 && Number.isSafeInteger(header.time);
}

function invalid(fault: LightFault, reason: string): Extract<Verdict, { verdict: 'INVALID' }> {
  return { verdict: 'INVALID', fault, reason };
}

/** The set that these are, hashed already, or why they are none. */
function setOrReason(validators: readonly Validator[]): ValidatorSet | string {
  try {
    const set = new ValidatorSet(validators);
    set.hash();
    return set;
  } catch (error) {
    if (error instanceof RangeError || error instanceof EncodeError) return error.message;
    throw error;
  }
}

/** The value id of a header, or null where it has no canonical bytes. */
export function valueOrNull<H extends LightHeader>(header: H, idOf: (header: H) => ValueId): ValueId | null {
  try {
    return idOf(header);
  } catch (error) {
    if (error instanceof RangeError || error instanceof EncodeError) return null;
    throw error;
  }
}
