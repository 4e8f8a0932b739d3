/** Parameters as bytes: each value as its text, and no text that is no value of its parameter. */
import { describe, expect, test } from 'vitest';
import { DecodeError, EncodeError } from '../../../src/protocol/codec/errors.ts';
import { decode, encode, list, text } from '../../../src/protocol/codec/struct.ts';
import {
  defaultParams,
  PARAMETER_NAMES,
  type ParameterName,
  parameterToText,
  withParams,
} from '../../../src/protocol/model/params.ts';
import { paramsCodec } from '../../../src/protocol/model/params-codec.ts';

const texts = list(text(256), 1_000);

/** The bytes of the default parameters with one text in place of another. */
function bytesWith(name: ParameterName, instead: string): Uint8Array {
  const params = defaultParams();
  const all = PARAMETER_NAMES.map(one => (one === name ? instead : parameterToText(params[one])));
  // A list has the number of its members in front, which is one byte here.
  return encode(texts, all).subarray(1);
}

describe('parameters', () => {
  test('come back as they were', () => {
    const changed = withParams(defaultParams(), { feeBase: 10n ** 18n, quorum: 0, matchingRule: 'tenant-chosen' });
    for (const params of [defaultParams(), changed]) {
      expect(decode(paramsCodec, encode(paramsCodec, params))).toEqual(params);
    }
    expect(encode(paramsCodec, changed)).not.toEqual(encode(paramsCodec, defaultParams()));
    expect(decode(paramsCodec, bytesWith('quorum', '5'))).toEqual(withParams(defaultParams(), { quorum: 5 }));
  });

  test.each([
    ['quorum', '1000001'],
    ['quorum', '-1'],
    ['quorum', '01'],
    ['quorum', '1.5'],
    ['quorum', '1e3'],
    ['quorum', ''],
    ['feeBase', '1000000000000000001'],
    ['feeBase', '0x10'],
    ['matchingRule', 'highest-price'],
    ['matchingRule', 'constructor'],
  ] as const)('%s = %s is refused', (name, value) => {
    expect(() => decode(paramsCodec, bytesWith(name, value))).toThrow(DecodeError);
    expect(() => decode(paramsCodec, bytesWith(name, value))).toThrow(name);
  });

  test('what is no value has no bytes', () => {
    expect(() => encode(paramsCodec, { ...defaultParams(), quorum: 1_000_001 })).toThrow(EncodeError);
    expect(() => encode(paramsCodec, { ...defaultParams(), quorum: '5' as never })).toThrow(EncodeError);
    expect(() => encode(paramsCodec, { ...defaultParams(), feeBase: 5 as never })).toThrow(EncodeError);
  });
});
