/** Providers on the register: region, attributes, root certificate, endpoint. */

import { Provider } from '../model/market-rows.ts';
import type { MessageOf } from '../model/messages.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { ownStake, startRecord } from './reputation.ts';

export function registerProvider(state: State, address: string, msg: MessageOf<'RegisterProvider'>): Refusal | null {
  if (state.providers.has(address)) return refuse('registered', 'the account is a provider already');
  if (msg.region === '') return refuse('bad_provider', 'a region is expected');
  const { region, attributes, certificate, endpoint } = msg;
  state.providers.insert(new Provider(address, state.nextSequence(), region, attributes, certificate, endpoint));
  startRecord(state, address);
  // Stake that was bonded before the registration counts from now on.
  state.editChainwide().providerStake += ownStake(state, address);
  state.emit({ type: 'ProviderRegistered', provider: address, region, attributes });
  return null;
}

/** What changed counts for bids from now on, also for bids placed before: they are checked again at the match. */
export function updateProvider(state: State, address: string, msg: MessageOf<'UpdateProvider'>): Refusal | null {
  if (!state.providers.has(address)) return refuse('not_registered', 'the account is not a provider');
  if (msg.region === '') return refuse('bad_provider', 'a region is expected');
  const provider = state.providers.edit(address);
  provider.region = msg.region;
  provider.attributes = msg.attributes;
  provider.certificate = msg.certificate;
  provider.endpoint = msg.endpoint;
  state.emit({ type: 'ProviderUpdated', provider: address, region: msg.region, attributes: msg.attributes });
  return null;
}
