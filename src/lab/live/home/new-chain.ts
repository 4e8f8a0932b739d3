/** The genesis of a new chain whose only validator is the node that begins it; others join later. */
import type { Genesis, GenesisAccount } from '../../../protocol/chain/genesis.ts';
import { faultOfGenesis } from '../../../protocol/chain/genesis.ts';
import { MICRO_PER_AKASH } from '../../../protocol/ledger/money.ts';
import { defaultParams, type ParameterValue, withParams } from '../../../protocol/model/params.ts';
import { UnusableHome } from './files.ts';
import type { Identity } from './identity-key.ts';

/** What the first validator bonds with itself, and can spend: fees, and what it hands on to others. micro-AKASH. */
export const FIRST_STAKE = 1_000_000n * MICRO_PER_AKASH;
export const FIRST_BALANCE = 100_000_000n * MICRO_PER_AKASH;
/** parts per million */
const COMMISSION = 100_000;
const US_PER_MS = 1_000;

export interface NewChain {
  readonly chainId: string;
  /** microseconds */
  readonly blockInterval: number;
  /** In the units of the protocol. */
  readonly params?: Readonly<Record<string, ParameterValue>>;
  /** micro-AKASH by account, beside the validator's own. */
  readonly funds?: ReadonlyMap<string, bigint>;
  /** Block time of height 0, microseconds since 1970; now if absent. */
  readonly time?: number;
}

/**
 * The beginning of a chain.
 * @throws UnusableHome when no chain can begin like that
 */
export function newChain(chain: NewChain, { keys, address }: Identity): Genesis {
  const funds = new Map(chain.funds ?? []);
  const own = funds.get(address) ?? 0n;
  funds.delete(address);
  const accounts: GenesisAccount[] = [{ address, balance: FIRST_BALANCE + own, stake: FIRST_STAKE }];
  for (const [account, balance] of funds) accounts.push({ address: account, balance, stake: 0n });
  const genesis: Genesis = {
    chainId: chain.chainId,
    time: chain.time ?? Date.now() * US_PER_MS,
    params: withParams(defaultParams(), { ...chain.params, targetBlockInterval: chain.blockInterval }),
    accounts,
    candidates: [{ address, consensusKey: keys.publicKey, commission: COMMISSION }],
    providers: [],
  };
  const fault = faultOfGenesis(genesis);
  if (fault !== null) throw new UnusableHome(`found a chain that cannot begin: ${fault}`);
  return genesis;
}
