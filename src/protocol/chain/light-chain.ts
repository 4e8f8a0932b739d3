/**
 * What a light client of this chain goes by: how headers are verified, where trust begins, and what the leaves of the
 * state say that it is shown with a proof.
 */
import type { SignatureScheme } from '../codec/signature.ts';
import { type Codec, decode, optional, struct, uint } from '../codec/struct.ts';
import { ONE_THIRD, type Trusted, type VerifyOptions } from '../consensus/light-block.ts';
import { valueId, valueIdOf } from '../consensus/types.ts';
import { members, ValidatorSet } from '../consensus/validator-set.ts';
import type { Params } from '../model/params.ts';
import { paramsCodec } from '../model/params-codec.ts';
import { type Header, headerHash } from './block.ts';
import { type Genesis, genesisState } from './genesis.ts';
import { accountLeaf, providerLeaf } from './leaf-shapes.ts';

/** Microseconds that another's clock may be ahead of a client's. */
const CLOCK_DRIFT_US = 10_000_000;

/** How headers of a chain are verified. */
export function verifyOptionsOf(chainId: string, params: Params, scheme: SignatureScheme): VerifyOptions<Header> {
  return {
    chainId,
    trustingPeriod: params.trustingPeriod,
    trustLevel: ONE_THIRD,
    clockDrift: CLOCK_DRIFT_US,
    scheme,
    idOf: header => valueIdOf(headerHash(header)),
  };
}

/** The genesis as that which is trusted from the beginning. Throws when the genesis is faulty. */
export function trustedGenesis(genesis: Genesis): Trusted {
  const { seats } = genesisState(genesis, false);
  return { height: 0, time: genesis.time, value: null, nextValidators: ValidatorSet.of(seats.validators) };
}

const shape = struct({ height: uint, time: uint, value: optional(valueId), nextValidators: members });

/** What is trusted, as bytes: for a client's own store. Reading throws DecodeError, and RangeError for no set. */
export const trusted: Codec<Trusted> = {
  write: (writer, { height, time, value, nextValidators }) =>
    shape.write(writer, { height, time, value: value ?? undefined, nextValidators: nextValidators.members }),
  read: reader => {
    const { value, nextValidators, ...rest } = shape.read(reader);
    return { ...rest, value: value ?? null, nextValidators: ValidatorSet.of(nextValidators) };
  },
};

/** The name of the leaf with the parameters. */
export const PARAMS_LEAF = 'params';

/** The name of the leaf of an account. */
export function accountLeafName(address: string): string {
  return `account/${address}`;
}

/** The name of the leaf of a deployment, with its orders and leases. */
export function deploymentLeafName(id: string): string {
  return `deployment/${id}`;
}

/** The name of the leaf of a registered provider. */
export function providerLeafName(address: string): string {
  return `provider/${address}`;
}

/** Where a provider is reached, by its leaf; null: it is not registered. Throws DecodeError for other bytes. */
export function endpointOfLeaf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : decode(providerLeaf, bytes).endpoint;
}

/** Nonce and balance by an account's leaf; null is no account. Throws DecodeError for bytes that are no such leaf. */
export function accountOfLeaf(bytes: Uint8Array | null): { readonly nonce: number; readonly balance: bigint } {
  if (bytes === null) return { nonce: 0, balance: 0n };
  const { nonce, balance } = decode(accountLeaf, bytes);
  return { nonce, balance };
}

/** The parameters by their leaf. Throws DecodeError for bytes that are no such leaf. */
export function paramsOfLeaf(bytes: Uint8Array): Params {
  return decode(paramsCodec, bytes);
}
