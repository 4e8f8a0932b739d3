/** Genesis: the state from which a chain starts, and from which anyone can replay it. */
import { isAddress } from '../codec/address.ts';
import { startRecord } from '../market/reputation.ts';
import type { Attributes } from '../model/objects.ts';
import { faultOfParameter, PARAMETER_NAMES, type Params } from '../model/params.ts';
import { Candidate, Provider } from '../model/rows.ts';
import { State } from '../model/state.ts';
import { elect } from '../stake/election.ts';
import { changeStake } from '../stake/staking.ts';

export interface GenesisAccount {
  readonly address: string;
  /** micro-AKASH, free to spend */
  readonly balance: bigint;
  /** micro-AKASH bonded with itself */
  readonly stake: bigint;
}

export interface GenesisCandidate {
  readonly address: string;
  readonly consensusKey: Uint8Array;
  /** parts per million */
  readonly commission: number;
}

export interface GenesisProvider {
  readonly address: string;
  readonly region: string;
  readonly attributes: Attributes;
  readonly certificate: Uint8Array;
  readonly endpoint: string;
}

export interface Genesis {
  readonly chainId: string;
  /** Block time of height 0, microseconds. */
  readonly time: number;
  readonly params: Params;
  readonly accounts: readonly GenesisAccount[];
  /** In order of registration, which breaks ties in elections. */
  readonly candidates: readonly GenesisCandidate[];
  readonly providers: readonly GenesisProvider[];
}

/** Why a genesis cannot be started from, or null. */
export function faultOfGenesis(genesis: Genesis): string | null {
  const known = new Set<string>();
  for (const { address, balance, stake } of genesis.accounts) {
    if (!isAddress(address)) return `account ${address} is not an address`;
    if (known.has(address)) return `account ${address} stands twice`;
    if (balance < 0n || stake < 0n) return `account ${address} has a negative amount`;
    known.add(address);
  }
  for (const { address, commission } of genesis.candidates) {
    if (!known.has(address)) return `candidate ${address} has no account`;
    if (!Number.isInteger(commission) || commission < 0 || commission > 1_000_000)
      return `candidate ${address} has a commission of ${commission}`;
  }
  for (const { address, region } of genesis.providers) {
    if (!known.has(address)) return `provider ${address} has no account`;
    if (region === '') return `provider ${address} has no region`;
  }
  for (const name of PARAMETER_NAMES) {
    const fault = faultOfParameter(name, genesis.params[name]);
    if (fault !== null) return fault;
  }
  return null;
}

/** The state of height 0. Throws when the genesis is faulty. */
export function genesisState(genesis: Genesis, tracksLeaves: boolean): State {
  const fault = faultOfGenesis(genesis);
  if (fault !== null) throw new Error(`genesis: ${fault}`);
  const state = new State(genesis.params, tracksLeaves);
  const chainwide = state.editChainwide();
  chainwide.time = genesis.time;
  for (const { address, consensusKey, commission } of genesis.candidates) {
    state.candidates.insert(new Candidate(address, state.nextSequence(), consensusKey, commission));
  }
  for (const { address, region, attributes, certificate, endpoint } of genesis.providers) {
    state.providers.insert(new Provider(address, state.nextSequence(), region, attributes, certificate, endpoint));
    startRecord(state, address);
  }
  for (const { address, balance, stake } of genesis.accounts) {
    state.credit(address, balance);
    if (stake > 0n) changeStake(state, address, address, stake);
    chainwide.genesisSupply += balance + stake;
  }
  const validators = elect(state);
  if (validators.length === 0) throw new Error('genesis: no candidate has a stake of 1 AKASH or more');
  chainwide.validators = validators;
  chainwide.upcoming = validators;
  chainwide.elected = validators;
  state.journal.forget();
  return state;
}
