/** What a light client starts from. */
import type { SignatureScheme } from '../../protocol/codec/signature.ts';
import type { Trusted } from '../../protocol/consensus/light-block.ts';
import type { Params } from '../../protocol/model/params.ts';
import type { PeerName } from '../actor.ts';

/** What a light client knows of the chain before it has asked anybody. */
export interface LightOptions {
  readonly chainId: string;
  /** Where trust begins. */
  readonly root: Trusted;
  /** Those of genesis: how long trust lasts, and how often blocks come. */
  readonly params: Params;
}

export interface LightLinkOptions extends LightOptions {
  readonly address: string;
  readonly nodes: readonly PeerName[];
  readonly topics: readonly string[];
  readonly scheme: SignatureScheme;
}
