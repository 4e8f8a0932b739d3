/**
 * Invariant 1: balances + escrow + locked collateral + stake (bonded, unbonding) + fee and reward pools = genesis supply
 * + minted - burned.
 *
 * At every block the totals that the chain keeps must add up, and what was burned must be what the events say; in full,
 * each total must be the sum of its rows.
 */
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event } from '../../protocol/model/events.ts';
import type { State } from '../../protocol/model/state.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

const PPM = 1_000_000n;
const YEAR_US = 365n * 86_400n * 1_000_000n;

export class SupplyMonitor extends EventMonitor {
  readonly name = 'supply';
  readonly #genesisSupply: bigint;
  #burned = 0n;
  #minted = 0n;
  #lastTime: number;

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
    let supply = 0n;
    for (const { balance, stake } of genesis.accounts) supply += balance + stake;
    this.#genesisSupply = supply;
    this.#lastTime = genesis.time;
  }

  protected override onEvent(event: Event): void {
    if (event.type === 'LeaseBroken') this.#burned += event.burned;
    else if (event.type === 'StakeSlashed') this.#burned += event.amount;
  }

  protected override endBlock(_block: unknown, _result: unknown, state: State): void {
    const c = state.chainwide;
    const supply = c.genesisSupply + c.minted - c.burned;
    const held =
      c.totalBalance +
      c.totalEscrow +
      c.totalCollateral +
      c.totalBonded +
      c.totalUnbonding +
      c.totalRewards +
      c.feePool;
    this.expect(held === supply, 'all that is held is the supply', () => ({
      held,
      supply,
      genesis: c.genesisSupply,
      minted: c.minted,
      burned: c.burned,
    }));
    this.expect(c.genesisSupply === this.#genesisSupply, 'the genesis supply never changes', () => ({
      found: c.genesisSupply,
      expected: this.#genesisSupply,
    }));
    this.expect(c.burned === this.#burned, 'what is burned is what events say', () => ({
      found: c.burned,
      expected: this.#burned,
    }));
    this.#checkMinted(c.minted, supply);
    this.#lastTime = this.time;
  }

  /** Inflation may mint its share of the supply for the time that passed; a remainder of one may have been carried over. */
  #checkMinted(minted: bigint, supply: bigint): void {
    const elapsed = BigInt(this.time - this.#lastTime);
    const fresh = minted - this.#minted;
    const most = (supply * BigInt(this.params.inflation) * elapsed) / (PPM * YEAR_US) + 1n;
    const allowed = this.params.inflation === 0 ? 0n : most;
    this.expect(fresh >= 0n && fresh <= allowed, 'nothing is minted but inflation', () => ({ fresh, allowed, supply }));
    this.#minted = minted;
  }

  protected override full(state: State): void {
    const c = state.chainwide;
    const sums = { balances: 0n, escrow: 0n, collateral: 0n, bonded: 0n, unbonding: 0n, rewards: 0n };
    for (const row of state.accounts.unordered()) sums.balances += row.balance;
    for (const row of state.deployments.unordered()) sums.escrow += row.escrow;
    for (const row of state.fulfillments.unordered()) sums.collateral += row.collateral;
    for (const row of state.delegations.unordered()) sums.bonded += row.amount;
    // Redelegated stake is bonded with its target already; its row only says that the source's sins still count.
    for (const row of state.unbondings.unordered()) if (row.target === '') sums.unbonding += row.amount;
    for (const row of state.candidates.unordered()) sums.rewards += row.rewards;
    const totals = {
      balances: c.totalBalance,
      escrow: c.totalEscrow,
      collateral: c.totalCollateral,
      bonded: c.totalBonded,
      unbonding: c.totalUnbonding,
      rewards: c.totalRewards,
    };
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) {
      this.expect(sums[key] === totals[key], 'each total is the sum of its rows', () => ({
        total: key,
        found: totals[key],
        rows: sums[key],
      }));
    }
  }
}
