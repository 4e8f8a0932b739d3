/** What daemons that ask nodes start from: a chain that they know by its genesis, and believe by its proofs. */
import type { ChainClientOptions } from '../../../actors/client/chain-client.ts';
import { trustedGenesis } from '../../../protocol/chain/light-chain.ts';
import type { OpenHome } from '../home/open-home.ts';
import { liveScheme } from './live-scheme.ts';

/** The part of a provider's or a tenant's options that is about the chain. */
export function chainOptions({
  config,
  identity,
  genesis,
}: OpenHome<'provider' | 'tenant'>): Omit<ChainClientOptions, 'topics'> {
  return {
    address: identity.address,
    keys: identity.keys,
    scheme: liveScheme,
    nodes: Object.keys(config.nodes),
    light: { chainId: genesis.chainId, root: trustedGenesis(genesis), params: genesis.params },
  };
}

/** What an answer that never came is turned into. */
export function unanswered(error: unknown): { readonly ok: false; readonly code: string; readonly detail: string } {
  const { name, message } = error as Error;
  if (name === 'TimeoutError') {
    return { ok: false, code: 'timeout', detail: 'no answer in time, expected one; perhaps no node is in reach' };
  }
  return { ok: false, code: 'not_running', detail: message };
}
