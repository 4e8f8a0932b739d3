/** Genesis: the state from which a chain starts, and from which anyone can replay it. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { isAddress } from '../codec/address.ts';
import { EncodeError } from '../codec/errors.ts';
import { byteString, type Codec, encode, struct, text } from '../codec/struct.ts';
import { MICRO_PER_AKASH, PPM } from '../ledger/money.ts';
import { startRecord } from '../market/reputation.ts';
import { Provider } from '../model/market-rows.ts';
import { type Attributes, attributes } from '../model/objects.ts';
import { faultOfParameter, faultOfPeriods, PARAMETER_NAMES, type Params } from '../model/params.ts';
import { State } from '../model/state.ts';
import { addCandidate } from '../stake/candidates.ts';
import { startValidators } from '../stake/election.ts';
import { SUPPLY_CEILING } from '../stake/inflation.ts';
import { changeStake } from '../stake/staking.ts';

/** Longest chain id, in bytes. */
const MAX_CHAIN_ID_BYTES = 64;

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

const name = text(MAX_CHAIN_ID_BYTES);
const register = struct({ region: text(128), attributes, certificate: byteString(32), endpoint: text(256) });

/** Why a value has no canonical bytes, or null. */
function faultOfEncoding<T>(codec: Codec<T>, value: T): string | null {
  try {
    encode(codec, value);
    return null;
  } catch (error) {
    if (error instanceof EncodeError) return error.message;
    throw error;
  }
}

/** Why a genesis cannot be started from, or null. */
export function faultOfGenesis(genesis: Genesis): string | null {
  if (genesis.chainId === '') return 'the chain id is empty';
  const chainId = faultOfEncoding(name, genesis.chainId);
  if (chainId !== null) return `chain id: ${chainId}`;
  if (!Number.isSafeInteger(genesis.time) || genesis.time < 0)
    return `time ${genesis.time} is no whole number of microseconds`;
  for (const parameter of PARAMETER_NAMES) {
    const fault = faultOfParameter(parameter, genesis.params[parameter]);
    if (fault !== null) return fault;
  }
  const conflict = faultOfPeriods(genesis.params);
  if (conflict !== null) return conflict;
  return faultOfAccounts(genesis) ?? faultOfCandidates(genesis) ?? faultOfProviders(genesis);
}

function faultOfAccounts(genesis: Genesis): string | null {
  const known = new Set<string>();
  let supply = 0n;
  for (const { address, balance, stake } of genesis.accounts) {
    if (!isAddress(address)) return `account ${address} is not an address`;
    if (known.has(address)) return `account ${address} stands twice`;
    if (balance < 0n || stake < 0n) return `account ${address} has a negative amount`;
    known.add(address);
    supply += balance + stake;
  }
  return supply > SUPPLY_CEILING ? `the supply of ${supply} uakt is above ${SUPPLY_CEILING}` : null;
}

function faultOfCandidates(genesis: Genesis): string | null {
  const stakes = new Map(genesis.accounts.map(one => [one.address, one.stake]));
  const seen = new Set<string>();
  const keys = new Set<string>();
  let electable = 0;
  for (const { address, consensusKey, commission } of genesis.candidates) {
    const stake = stakes.get(address);
    if (stake === undefined) return `candidate ${address} has no account`;
    if (seen.has(address)) return `candidate ${address} stands twice`;
    if (consensusKey.length !== 32)
      return `candidate ${address} has a consensus key of ${consensusKey.length} bytes, 32 are expected`;
    const key = bytesToHex(consensusKey);
    if (keys.has(key)) return `candidate ${address} has the consensus key of another`;
    keys.add(key);
    if (!Number.isInteger(commission) || commission < 0 || commission > PPM)
      return `candidate ${address} has a commission of ${commission}`;
    seen.add(address);
    if (stake >= MICRO_PER_AKASH) electable += 1;
  }
  return electable === 0 ? 'no candidate has a stake of 1 AKASH or more' : null;
}

function faultOfProviders(genesis: Genesis): string | null {
  const known = new Set(genesis.accounts.map(one => one.address));
  const seen = new Set<string>();
  for (const provider of genesis.providers) {
    const { address, region } = provider;
    if (!known.has(address)) return `provider ${address} has no account`;
    if (seen.has(address)) return `provider ${address} stands twice`;
    if (region === '') return `provider ${address} has no region`;
    const fault = faultOfEncoding(register, provider);
    if (fault !== null) return `provider ${address}: ${fault}`;
    seen.add(address);
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
    addCandidate(state, address, consensusKey, commission);
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
  startValidators(state);
  state.journal.forget();
  return state;
}
