/** What the tests of validators share: a chain of a few validators with stakes in whole AKASH, and how they behave. */
import type { Message } from '../../../src/protocol/model/messages.ts';
import type { Params } from '../../../src/protocol/model/params.ts';
import type { BlockOptions } from '../../support/chain-driver.ts';
import { ChainDriver } from '../../support/chain-driver.ts';
import { accusation, commitWithout, type Offending } from '../../support/validators.ts';
import { AKASH, addressOfName, FREE, SECOND } from '../support.ts';

export const at = addressOfName;
export const stake = (amount: bigint): Message => ({ type: 'Stake', amount });
export const delegate = (to: string, amount: bigint): Message => ({ type: 'Delegate', validator: at(to), amount });
export const undelegate = (from: string, amount: bigint): Message => ({
  type: 'Undelegate',
  validator: at(from),
  amount,
});
export const redelegate = (from: string, to: string, amount: bigint): Message => ({
  type: 'Redelegate',
  source: at(from),
  target: at(to),
  amount,
});
export const UNJAIL: Message = { type: 'Unjail' };

/** Validators of these stakes in AKASH; tom, tim and tia hold 1,000 AKASH each; no fees; one block a second. */
export function validatorsOf(
  stakes: Readonly<Record<string, number>>,
  params: { readonly [N in keyof Params]?: Params[N] } = {},
): ChainDriver {
  return new ChainDriver({
    accounts: { tom: {}, tim: {}, tia: {} },
    validators: Object.fromEntries(
      Object.entries(stakes).map(([name, whole]) => [name, { stake: BigInt(whole) * AKASH }]),
    ),
    params: { ...FREE, targetBlockInterval: SECOND, unbondingPeriod: 100 * SECOND, ...params },
  });
}

/** A block by somebody who may propose it, with or without a commit of its parent. */
export function block(d: ChainDriver, options: BlockOptions = {}): void {
  d.block({ proposer: d.chain.validators.members[0]?.address as string, ...options });
}

/** Blocks with commits from which these are absent. */
export function blocksWithout(d: ChainDriver, count: number, absent: readonly string[] = []): void {
  for (let i = 0; i < count; i++) block(d, { lastCommit: commitWithout(d, absent) });
}

/** Sends one message in a block of its own; returns the receipt's code, empty when it succeeded. */
export function codeOf(d: ChainDriver, name: string, message: Message): string {
  d.send(name, message);
  block(d);
  return d.last.receipts.at(-1)?.code as string;
}

/** Somebody accuses a validator; returns the receipt's code. */
export function accuse(d: ChainDriver, name: string, height: number, how: Offending = {}): string {
  return codeOf(d, 'tim', accusation(name, height, how));
}

/** Micro-AKASH that an account has with a validator. */
export function held(d: ChainDriver, who: string, validator: string): bigint {
  return d.state.delegations.get(`${at(who)}/${at(validator)}`)?.amount ?? 0n;
}

/** Names and voting power of those who validate the next block. */
export function validating(d: ChainDriver): [string, number][] {
  return d.state.seats.validators.map(one => [d.name(one.address), one.power]);
}

/** What each account was slashed, all events together. */
export function slashesOf(d: ChainDriver): Record<string, bigint> {
  const slashes: Record<string, bigint> = {};
  for (const { account, amount } of d.events('StakeSlashed')) {
    slashes[d.name(account)] = (slashes[d.name(account)] ?? 0n) + amount;
  }
  return slashes;
}
