/** The headers that a client believes, and how it comes to believe the next: a light client, fed with what nodes push. */
import type { Header } from '../../protocol/chain/block.ts';
import { trusted as trustedCodec, verifyOptionsOf } from '../../protocol/chain/light-chain.ts';
import { DecodeError } from '../../protocol/codec/errors.ts';
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import { decode, encode } from '../../protocol/codec/struct.ts';
import type { LightBlock, Trusted } from '../../protocol/consensus/light-block.ts';
import { LightClient, type Need, type Progress } from '../../protocol/consensus/light-client.ts';
import type { Params } from '../../protocol/model/params.ts';
import type { Effects, PeerName, Time } from '../actor.ts';
import type { HeaderMessage, Wire } from '../wire.ts';

/** Where the newest that is believed stands in the client's store. */
export const TRUSTED_KEY = 'light/trusted';
/** Headers that are kept: enough to compare with other nodes, and to be told again what a node withheld. */
const CAPACITY = 64;

export class Headers {
  readonly #light: LightClient<Header>;

  constructor(chainId: string, params: Params, scheme: SignatureScheme, root: Trusted) {
    this.#light = new LightClient({ ...verifyOptionsOf(chainId, params, scheme), capacity: CAPACITY }, root);
  }

  get latest(): Trusted {
    // The root is kept from the beginning, so that there is always one.
    return this.#light.latest as Trusted;
  }

  get needs(): readonly Need[] {
    return this.#light.needs();
  }

  /** The believed header of a height, if it is kept. */
  header(height: number): Header | undefined {
    return this.#light.header(height);
  }

  /**
   * Takes a header that a node pushed: the next one, or one that is known, to be compared. Null for one that is neither.
   */
  take(node: PeerName, { header, commit, nextValidators }: HeaderMessage, now: Time): Progress<Header> | null {
    const { latest } = this;
    const known = this.#light.block(header.height);
    const isNext = header.height === latest.height + 1;
    if (known === undefined && !isNext) return null;
    // What is pushed leaves out the set that whoever follows knows already.
    const validators = known?.validators ?? latest.nextValidators.members;
    const block = { header, commit, validators, nextValidators: nextValidators ?? undefined };
    if (isNext) this.#light.aimAt(header.height);
    return this.#light.give(node, block, now);
  }

  /** Sets out for a height that lies ahead. False when there is no way there. */
  aimAt(height: number): boolean {
    return this.#light.aimAt(height);
  }

  give(node: PeerName, block: LightBlock<Header>, now: Time): Progress<Header> {
    return this.#light.give(node, block, now);
  }

  drop(node: PeerName): void {
    this.#light.drop(node);
  }

  /** Keeps the newest beyond a restart: a root of long ago may be past the trusting period by then. */
  save(out: Effects<Wire>): void {
    // Nothing waits for it to be durable: with an older one, a start has a little more to catch up with.
    out.put(TRUSTED_KEY, encode(trustedCodec, this.latest));
  }
}

/** What was kept, or null where there is nothing that can be read. */
export function savedTrust(bytes: Uint8Array | null): Trusted | null {
  if (bytes === null) return null;
  try {
    return decode(trustedCodec, bytes);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof RangeError) return null;
    throw error;
  }
}
