/**
 * `chain.params` of a scenario, held against the protocol's own table of parameters.
 *
 * The table knows names, units and bounds; a scenario may write durations, sizes, shares and amounts with units (`30d`,
 * `10%`, `50 uakt`). A share is parts per million where it is a plain number, as the table has it.
 */

import type { ParameterName, ParameterValue, Params } from '../../protocol/model/params.ts';
import {
  conflictOfParams,
  defaultParams,
  faultOfParameter,
  PARAMETER_NAMES,
  PARAMETERS,
  withParams,
} from '../../protocol/model/params.ts';
import { expectedName } from './problem.ts';
import type { ChainOptions } from './types.ts';
import { EXPECTED, grouped, parseBytes, parseDuration, parseMoney, parseNumber, QuantityError, show } from './units.ts';
import type { ParamProblem } from './validate.ts';

export interface ProtocolParams {
  /** As the protocol takes them; those with a problem are left out. */
  readonly values: Readonly<Record<string, ParameterValue>>;
  readonly problems: readonly ParamProblem[];
}

/** Reads a scenario's parameters in the units of the protocol. */
export function protocolParams(params: Readonly<Record<string, number | string | boolean>>): ProtocolParams {
  const values: Record<string, ParameterValue> = {};
  const problems: ParamProblem[] = [];
  for (const [name, written] of Object.entries(params)) {
    if (!Object.hasOwn(PARAMETERS, name)) {
      problems.push({ name, expected: expectedName(name, PARAMETER_NAMES), unknown: true });
      continue;
    }
    const known = name as ParameterName;
    try {
      const value = read(known, written);
      if (faultOfParameter(name, value) === null) values[name] = value;
      else problems.push({ name, expected: expectation(known) });
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
      problems.push({ name, expected: expectation(known) });
    }
  }
  const conflict = problems.length === 0 ? conflictOfPeriods(values) : null;
  if (conflict !== null) problems.push(conflict);
  return { values, problems };
}

/** The parameters with which a scenario's chain begins. */
export function paramsOfChain(chain: Pick<ChainOptions, 'params' | 'blockInterval'>): Params {
  const { values } = protocolParams(chain.params);
  return withParams(defaultParams(), { ...values, targetBlockInterval: chain.blockInterval });
}

/** Periods that do not go together, put down to one that the scenario names. */
function conflictOfPeriods(values: Readonly<Record<string, ParameterValue>>): ParamProblem | null {
  const params = withParams(defaultParams(), values);
  const conflict = conflictOfParams(params);
  if (conflict === null) return null;
  const { longer, shorter } = conflict;
  const period = (name: ParameterName): string => `the ${grouped(Number(params[name]))} us of ${name}`;
  return Object.hasOwn(values, longer)
    ? { name: longer, expected: `more than ${period(shorter)}` }
    : { name: shorter, expected: `less than ${period(longer)}` };
}

/** Whether a scenario's parameters are the protocol's; for LoadOptions.checkParams. */
export function checkProtocolParams(
  params: Readonly<Record<string, number | string | boolean>>,
): readonly ParamProblem[] {
  return protocolParams(params).problems;
}

function read(name: ParameterName, written: number | string | boolean): ParameterValue {
  const parameter = PARAMETERS[name];
  if (typeof written === 'boolean') throw new QuantityError(String(written), expectation(name));
  if (parameter.kind === 'choice') return String(written);
  if (parameter.kind === 'money') return parseMoney(written);
  if (parameter.unit === 'us') return parseDuration(written);
  if (parameter.unit === 'bytes') return parseBytes(written);
  if (typeof written === 'number') return written;
  if (parameter.unit !== 'ppm' || !written.trim().endsWith('%'))
    throw new QuantityError(show(written), expectation(name));
  // Percentages of up to four decimals are whole parts per million; the product is off by less than a rounding.
  const parts = parseNumber(written) * 1_000_000;
  return Math.abs(parts - Math.round(parts)) < 1e-6 ? Math.round(parts) : parts;
}

function expectation(name: ParameterName): string {
  const parameter = PARAMETERS[name];
  if (parameter.kind === 'choice') return `one of ${parameter.choices.join(', ')}`;
  if (parameter.kind === 'money') return EXPECTED.money;
  if (parameter.unit === 'us') {
    return `${EXPECTED.duration}, from ${grouped(parameter.min)} to ${grouped(parameter.max)} us`;
  }
  const range = `a whole number of ${parameter.unit} from ${grouped(parameter.min)} to ${grouped(parameter.max)}`;
  return parameter.unit === 'ppm' ? `${range}, or a percentage such as 0.1%` : range;
}
