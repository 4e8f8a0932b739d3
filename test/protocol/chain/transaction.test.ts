/** The signed envelope: canonical bytes, what is refused when reading, and signatures. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeTransaction,
  encodeBody,
  MAX_TRANSACTION_BYTES,
  payAndSign,
  signTransaction,
  transactionBody,
} from '../../../src/protocol/chain/transaction.ts';
import { addressOf } from '../../../src/protocol/codec/address.ts';
import { DecodeError } from '../../../src/protocol/codec/bytes.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { decode, encode } from '../../../src/protocol/codec/struct.ts';
import { MESSAGE_TYPES, type Message, type MessageType, message } from '../../../src/protocol/model/messages.ts';
import { defaultParams } from '../../../src/protocol/model/params.ts';
import { confirmation, deployment, group, hashOf, infrastructure, keysOf } from '../../support/chain-driver.ts';
import { ed25519NobleScheme } from '../../support/ed25519-noble.ts';
import { addressOfName } from '../support.ts';

const to = addressOfName('ann');
const provider = { region: 'eu', attributes: { gpu: 'a100', tier: '1' }, certificate: hashOf('c'), endpoint: 'h:1' };
/** One of each kind. A kind that is added to the protocol and not here fails the first test. */
const samples: { readonly [N in MessageType]?: Message } = {
  Transfer: { type: 'Transfer', to, amount: 2n ** 200n },
  Stake: { type: 'Stake', amount: 1n },
  Delegate: { type: 'Delegate', validator: to, amount: 1n },
  Undelegate: { type: 'Undelegate', validator: to, amount: 1n },
  Redelegate: { type: 'Redelegate', source: to, target: addressOfName('bob'), amount: 1n },
  WithdrawRewards: { type: 'WithdrawRewards', validator: to },
  RegisterProvider: { type: 'RegisterProvider', ...provider },
  UpdateProvider: { type: 'UpdateProvider', ...provider },
  SubmitDeployment: deployment({
    infrastructure: [
      infrastructure({ attributes: { a: 'b|c' }, persist: true }),
      infrastructure({ resources: [group(), group({ count: 7 })] }),
    ],
  }),
  UpdateDeployment: {
    type: 'UpdateDeployment',
    deployment: 'x/1',
    version: hashOf('v'),
    add: [infrastructure()],
    remove: [0, 3],
    reprice: [{ group: 1, prices: [1n, 2n] }],
  },
  CloseDeployment: { type: 'CloseDeployment', deployment: 'x/1' },
  DepositEscrow: { type: 'DepositEscrow', deployment: 'x/1', amount: 9n },
  SubmitFulfillment: { type: 'SubmitFulfillment', order: 'x/1/0/0', resources: [group()] },
  CancelFulfillment: { type: 'CancelFulfillment', order: 'x/1/0/0' },
  ChooseFulfillment: { type: 'ChooseFulfillment', order: 'x/1/0/0', provider: to },
  SubmitLeaseConfirmation: confirmation('x/1/0/0', true),
  SubmitProposal: { type: 'SubmitProposal', changes: [{ name: 'quorum', value: '1' }], title: 'ü' },
  Vote: { type: 'Vote', proposal: 3, choice: 'abstain' },
  Grant: { type: 'Grant', grantee: to, messages: ['Vote', 'Stake'], deployment: '', limit: 0n, expires: 2 ** 50 },
  Revoke: { type: 'Revoke', grant: 'x/1' },
  RegisterCandidate: {
    type: 'RegisterCandidate',
    consensusKey: hashOf('k'),
    commission: 50_000,
    possession: hashOf('p'),
  },
  Unjail: { type: 'Unjail' },
  SubmitEvidence: {
    type: 'SubmitEvidence',
    evidence: {
      kind: 'duplicate-vote',
      first: { kind: 'prevote', height: 3, round: 1, value: null, time: 5, validator: to, signature: hashOf('1') },
      second: {
        kind: 'prevote',
        height: 3,
        round: 1,
        value: 'ab'.repeat(32),
        time: 6,
        validator: to,
        signature: hashOf('2'),
      },
    },
  },
};
function sampleOf(type: MessageType): Message {
  const one = samples[type];
  if (one === undefined) throw new Error(`no sample of ${type} in this table`);
  return one;
}
const body = (of: Message) => ({
  chainId: 'test',
  account: addressOfName('tom'),
  nonce: 5,
  grant: '',
  message: of,
  fee: 777n,
});

describe('a transaction', () => {
  test.each(MESSAGE_TYPES)('%s: reads back as it was written, to the same bytes', type => {
    const tx = signTransaction(body(sampleOf(type)), keysOf('tom'), keyedHashScheme);
    const bytes = tx.encode();
    const copy = decodeTransaction(bytes);
    expect(copy.body).toEqual(tx.body);
    expect([copy.key, copy.signature, copy.fingerprint]).toEqual([tx.key, tx.signature, tx.fingerprint]);
    expect(copy.encode()).toEqual(bytes);
    expect(copy.signatureHolds(keyedHashScheme)).toBe(true);
    expect(decode(message, encode(message, sampleOf(type)))).toEqual(sampleOf(type));
  });

  test('a shortened or lengthened one is refused', () => {
    const bytes = signTransaction(body(sampleOf('SubmitDeployment')), keysOf('tom'), keyedHashScheme).encode();
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeTransaction(bytes.subarray(0, length))).toThrow(DecodeError);
    expect(() => decodeTransaction(Uint8Array.of(...bytes, 0))).toThrow(DecodeError);
  });

  test('a changed byte is refused, or is seen by the signature, or is in key or signature', () => {
    const tx = signTransaction(body(sampleOf('SubmitFulfillment')), keysOf('tom'), keyedHashScheme);
    const bytes = tx.encode();
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bad = bytes.slice();
        bad[at] = (bad[at] as number) ^ flip;
        try {
          const copy = decodeTransaction(bad);
          expect(copy.encode()).toEqual(bad);
          expect(copy.signatureHolds(keyedHashScheme)).toBe(false);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('random bytes never throw anything but DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        try {
          expect(decodeTransaction(bytes).encode()).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('one that is too large is refused before it is read', () => {
    expect(() => decodeTransaction(new Uint8Array(MAX_TRANSACTION_BYTES + 1))).toThrow(
      `at most ${MAX_TRANSACTION_BYTES}`,
    );
  });

  test('an account that is no address has no bytes', () => {
    expect(() => encodeBody({ ...body(sampleOf('Stake')), account: 'tom' })).toThrow('an address');
    expect(() => encodeBody(body({ type: 'Transfer', to: `${to.slice(0, -1)}x`, amount: 1n }))).toThrow('an address');
  });

  test('is frozen', () => {
    expect(Object.isFrozen(signTransaction(body(sampleOf('Stake')), keysOf('tom'), keyedHashScheme))).toBe(true);
  });
});

describe('a signature', () => {
  const schemes = { 'keyed-hash': keyedHashScheme, ed25519: ed25519NobleScheme };
  test.each(Object.entries(schemes))(
    '%s: holds for the account of the key and for these bytes only',
    (_name, scheme) => {
      const pair = scheme.keyPair(hashOf('somebody'));
      const tom = scheme.keyPair(hashOf('tom'));
      const own = { ...body(sampleOf('Stake')), account: addressOf(tom.publicKey) };
      expect(signTransaction(own, tom, scheme).signatureHolds(scheme)).toBe(true);
      expect(signTransaction(own, pair, scheme).signatureHolds(scheme)).toBe(false);
      const signed = signTransaction(own, tom, scheme);
      const changed = signTransaction({ ...own, fee: 778n }, tom, scheme);
      expect(scheme.verify(tom.publicKey, changed.signedBytes, signed.signature)).toBe(false);
    },
  );
});

describe('payAndSign', () => {
  test('adds the least fee, reckoned with its own longest encoding, and signs the same bytes as encodeBody', () => {
    const params = { ...defaultParams(), feeBase: 50n, feePerByte: 1n, feePerObject: 500n };
    const { fee: _fee, ...unpaid } = body(sampleOf('SubmitDeployment'));
    const tx = payAndSign(params, unpaid, keysOf('tom'), keyedHashScheme);
    expect(tx.signedBytes).toEqual(encodeBody(tx.body));
    expect(decode(transactionBody, tx.signedBytes)).toEqual(tx.body);
    expect(tx.signatureHolds(keyedHashScheme)).toBe(true);
    // 50 + bytes + 3 objects x 500, at most 9 bytes too much for the fee's own length.
    const least = 50n + BigInt(tx.size) + 1_500n;
    expect(tx.body.fee - least).toBeGreaterThanOrEqual(0n);
    expect(tx.body.fee - least).toBeLessThan(9n);
  });
});
