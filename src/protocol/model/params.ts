/**
 * Chain parameters: every decision that the paper leaves open, with its unit, default and bounds. They are set in
 * genesis and changed by governance, so that a scenario can study the alternative.
 */
import { PPM } from '../ledger/money.ts';

const MATCHING_RULES = [
  'lowest-price',
  'second-price',
  'tenant-chosen',
  'lowest-price-address-ties',
  'cancelled-bid-blocks',
] as const;

const US_PER_S = 1_000_000;
const US_PER_DAY = 86_400 * US_PER_S;

type NumberKind = { kind: 'number'; unit: string; default: number; min: number; max: number; about: string };
type MoneyKind = { kind: 'money'; unit: 'uakt'; default: bigint; about: string };
type ChoiceKind<C extends readonly string[]> = { kind: 'choice'; choices: C; default: C[number]; about: string };

function count(value: number, min: number, max: number, unit: string, about: string): NumberKind {
  return { kind: 'number', unit, default: value, min, max, about };
}
function ppm(value: number, about: string): NumberKind {
  return count(value, 0, PPM, 'ppm', about);
}
function duration(value: number, min: number, about: string): NumberKind {
  return count(value, min, 10_000 * US_PER_DAY, 'us', about);
}
function money(value: bigint, about: string): MoneyKind {
  return { kind: 'money', unit: 'uakt', default: value, about };
}
function choice<const C extends readonly string[]>(value: C[number], choices: C, about: string): ChoiceKind<C> {
  return { kind: 'choice', choices, default: value, about };
}

/** The whole table. The order of its entries is the order in which they are encoded. */
export const PARAMETERS = {
  targetBlockInterval: duration(6 * US_PER_S, 1_000, 'time between blocks that reserves are reckoned with'),
  maxBlockBytes: count(1_048_576, 4_096, 64 * 1_048_576, 'bytes', 'size of the transactions of a block'),
  confirmationReserve: count(100_000, 0, 900_000, 'ppm', 'share of a block kept free for lease confirmations'),
  maxFacilitation: count(256, 1, 1_000_000, 'items', 'facilitation items that begin a block'),
  facilitation: choice('mandatory', ['mandatory', 'prefix'], 'whether a proposer may facilitate less than is due'),
  feeBase: money(50n, 'fee of any transaction'),
  feePerByte: money(1n, 'fee per byte of a transaction'),
  feePerObject: money(500n, 'fee per object created, which prepays its facilitation'),
  matchingRule: choice('lowest-price', MATCHING_RULES, 'who wins an order, and what is paid'),
  maxFulfillments: count(20, 1, 1_000, 'fulfillments', 'open fulfillments that an order holds'),
  maxOpenFor: duration(7 * US_PER_DAY, US_PER_S, 'longest time that an order may stay open'),
  maxWaitDuration: count(100_000, 0, 10_000_000, 'blocks', 'longest wait before an order is matched'),
  collateralBasis: choice('per_unit', ['per_unit', 'per_group'], 'whether collateral counts per unit or per group'),
  collateralTo: choice('tenant', ['tenant', 'burn', 'split'], 'who gets the collateral of a broken lease'),
  collateralSplit: ppm(500_000, 'the share of the tenant when the collateral is split; the rest is burned'),
  reconfirmationPeriod: count(100, 4, 10_000_000, 'blocks', 'longest time between two confirmations of a lease'),
  resetGrace: count(100, 1, 10_000_000, 'blocks', 'time to confirm the teardown of a lease'),
  settlement: choice('confirmation', ['confirmation', 'per_block'], 'when accrued pay moves'),
  pendingClose: choice('pays', ['pays', 'free'], 'whether a tenant that closes an unconfirmed lease pays for it'),
  leaseTax: ppm(0, 'share of lease payments that goes to the fee pool'),
  brokenLeaseStakeSlash: ppm(0, "share of a provider's own stake burned per broken lease"),
  jailAfterBroken: count(0, 0, 1_000_000, 'leases', 'broken leases after which a provider is jailed; 0 = never'),
  jailDuration: duration(US_PER_DAY, US_PER_S, 'how long a jailed provider may not bid or win'),
  reputationStakeWeight: ppm(300_000, 'weight of the stake term in the reputation'),
  reputationPriorKept: money(1_000_000n, 'weight of kept leases before there is a record'),
  reputationPriorBroken: money(1_000_000n, 'weight of broken leases before there is a record'),
  reputationHalfLife: duration(30 * US_PER_DAY, 64, 'time in which a record loses half its weight'),
  validatorSlots: count(100, 1, 1_000, 'validators', 'validators that are elected'),
  unbondingPeriod: duration(21 * US_PER_DAY, US_PER_S, 'time in which stake on its way out stays slashable'),
  maxUnbondings: count(32, 1, 10_000, 'entries', 'stakes on their way out that an account may have'),
  evidenceMaxAgeBlocks: count(201_600, 10, 100_000_000, 'blocks', 'blocks after which evidence may expire'),
  evidenceMaxAge: duration(14 * US_PER_DAY, 2, 'time after which evidence may expire; it must be older than both'),
  trustingPeriod: duration(7 * US_PER_DAY, 1, 'longest time for which a light client may trust a header'),
  doubleSignSlash: ppm(50_000, 'share of stake burned when its validator double-signs'),
  downtimeWindow: count(1_000, 1, 10_000, 'blocks', 'blocks over which the signatures of a validator are counted'),
  minSigned: ppm(500_000, 'share of the window that a validator must have signed; 0 = none'),
  downtimeSlash: ppm(100, 'share of stake burned when its validator signs too few blocks'),
  downtimeJail: duration(600 * US_PER_S, 1, 'how long a validator that signs too few blocks may not come back'),
  inflation: ppm(0, 'new tokens a year, as a share of the supply, to the fee pool'),
  votingPeriod: count(14_400, 1, 100_000_000, 'blocks', 'time in which a proposal is voted on'),
  changeDelay: count(100, 1, 100_000_000, 'blocks', 'time from a passed vote to its effect'),
  quorum: ppm(334_000, 'share of all stake that must have voted'),
  threshold: ppm(500_000, 'share of yes among yes and no that must be exceeded'),
} as const;

export type ParameterName = keyof typeof PARAMETERS;
type ValueOf<P> = P extends NumberKind
  ? number
  : P extends MoneyKind
    ? bigint
    : P extends ChoiceKind<infer C>
      ? C[number]
      : never;
export type ParameterValue = number | bigint | string;
export type Params = { readonly [N in ParameterName]: ValueOf<(typeof PARAMETERS)[N]> };

export const PARAMETER_NAMES = Object.keys(PARAMETERS) as ParameterName[];

/** All defaults. */
export function defaultParams(): Params {
  const params: Record<string, ParameterValue> = {};
  for (const name of PARAMETER_NAMES) params[name] = PARAMETERS[name].default;
  return params as Params;
}

/** Why a value cannot be this parameter's, or null. Says what was found and what is expected. */
export function faultOfParameter(name: string, value: unknown): string | null {
  if (!Object.hasOwn(PARAMETERS, name)) return `unknown parameter ${JSON.stringify(name)}`;
  const kind = PARAMETERS[name as ParameterName];
  if (kind.kind === 'number') {
    const fits = typeof value === 'number' && Number.isSafeInteger(value) && value >= kind.min && value <= kind.max;
    return fits
      ? null
      : `${name}: found ${String(value)}, expected a whole number of ${kind.unit} from ${kind.min} to ${kind.max}`;
  }
  if (kind.kind === 'money') {
    const fits = typeof value === 'bigint' && value >= 0n && value <= 10n ** 18n;
    return fits ? null : `${name}: found ${String(value)}, expected an amount of micro-AKASH from 0 to 10^18`;
  }
  const fits = typeof value === 'string' && (kind.choices as readonly string[]).includes(value);
  return fits ? null : `${name}: found ${String(value)}, expected one of ${kind.choices.join(', ')}`;
}

/** Two periods of which one must be longer than the other. */
export interface PeriodConflict {
  readonly longer: ParameterName;
  readonly shorter: ParameterName;
}

/** Each must be longer than the one after it. */
const PERIODS = ['unbondingPeriod', 'evidenceMaxAge', 'trustingPeriod'] as const;

/**
 * Parameters that are each within bounds and do not go together, or null. Stake must stay slashable for longer than
 * evidence against it may take to arrive, and evidence must outlive whatever a light client may still believe; else a
 * validator could lie to a light client with stake that answers for nothing.
 */
export function conflictOfParams(params: Params): PeriodConflict | null {
  for (let i = 0; i + 1 < PERIODS.length; i++) {
    const longer = PERIODS[i] as (typeof PERIODS)[number];
    const shorter = PERIODS[i + 1] as (typeof PERIODS)[number];
    if (params[longer] <= params[shorter]) return { longer, shorter };
  }
  return null;
}

/** The same in words, or null. */
export function faultOfPeriods(params: Params): string | null {
  const conflict = conflictOfParams(params);
  if (conflict === null) return null;
  const { longer, shorter } = conflict;
  return `${longer}: found ${params[longer]} us, expected more than the ${params[shorter]} us of ${shorter}`;
}

/** The parameters with some of them changed. Throws on a value that does not fit. */
export function withParams(params: Params, changes: Readonly<Record<string, ParameterValue>>): Params {
  const changed: Record<string, ParameterValue> = { ...params };
  for (const name of Object.keys(changes)) {
    const fault = faultOfParameter(name, changes[name]);
    if (fault !== null) throw new Error(fault);
    changed[name] = changes[name] as ParameterValue;
  }
  return changed as Params;
}

/** A value as it travels in a proposal. */
export function parameterToText(value: ParameterValue): string {
  return String(value);
}

/** A value as it travelled in a proposal; undefined when it does not fit the parameter. */
export function parameterFromText(name: string, text: string): ParameterValue | undefined {
  if (!Object.hasOwn(PARAMETERS, name)) return undefined;
  const kind = PARAMETERS[name as ParameterName].kind;
  const canonical = /^(0|[1-9][0-9]{0,20})$/.test(text);
  const value = kind === 'choice' ? text : !canonical ? undefined : kind === 'money' ? BigInt(text) : Number(text);
  return value !== undefined && faultOfParameter(name, value) === null ? value : undefined;
}
