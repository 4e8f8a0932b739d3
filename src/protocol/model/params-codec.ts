/**
 * Parameters as canonical bytes: the text of each value, as a proposal would spell it, in the order of the table. A text
 * that is no value of its parameter is refused.
 */
import { EncodeError } from '../codec/errors.ts';
import type { Codec } from '../codec/struct.ts';
import { PARAMETER_NAMES, type ParameterValue, type Params, parameterFromText, parameterToText } from './params.ts';

/** Bytes of the text of one value, at the most. */
const MAX_VALUE_BYTES = 256;

/** All parameters of a chain. Periods that do not go together are not looked for. */
export const paramsCodec: Codec<Params> = {
  write: (w, params) => {
    for (const name of PARAMETER_NAMES) {
      const text = parameterToText(params[name]);
      if (parameterFromText(name, text) !== params[name]) {
        throw new EncodeError(text, 'a value of this parameter').within(name);
      }
      w.text(text, MAX_VALUE_BYTES);
    }
  },
  read: r => {
    const params: Record<string, ParameterValue> = {};
    for (const name of PARAMETER_NAMES) {
      const at = r.offset;
      const text = r.text(MAX_VALUE_BYTES);
      const value = parameterFromText(name, text);
      if (value === undefined) throw r.error(JSON.stringify(text), 'a value of this parameter', at).within(name);
      params[name] = value;
    }
    return params as Params;
  },
};
