/**
 * A short history in which everything that the monitors watch happens once, and a way to tell it wrongly: each block is
 * lived through again, and what one monitor is shown of it may be doctored.
 */
import { expect } from 'vitest';
import { allMonitors } from '../../../src/lab/monitors/all-monitors.ts';
import { MonitorViolation } from '../../../src/lab/monitors/monitor.ts';
import type { Block } from '../../../src/protocol/chain/block.ts';
import type { BlockResult } from '../../../src/protocol/chain/chain.ts';
import type { Transaction } from '../../../src/protocol/chain/transaction.ts';
import type { Event, EventOf, EventType } from '../../../src/protocol/model/events.ts';
import type { MessageType } from '../../../src/protocol/model/messages.ts';
import type { State } from '../../../src/protocol/model/state.ts';
import {
  AKASH,
  bid,
  ChainDriver,
  confirmation,
  infrastructure,
  SECOND,
  UAKT_PER_S,
} from '../../support/chain-driver.ts';

/** Ids of what the story is about. */
export interface Story {
  readonly driver: ChainDriver;
  /** ann wins it, pushing cyd out of the book, and breaks the lease; tom's infrastructure is ordered again, and expires. */
  readonly broken: string;
  /** bob wins it by a tie against ann and confirms; tess closes, and bob confirms the reset. */
  readonly kept: string;
  /** cyd's and ann's leases for tia, whose escrow runs out; ann confirms its reset, cyd misses it. */
  readonly poor: readonly [string, string];
}

/** The story, told once; its blocks do not depend on who listens. */
export function tellStory(): Story {
  const driver = new ChainDriver({
    accounts: { tom: {}, tess: {}, tia: {} },
    providers: { ann: { stake: AKASH }, bob: {}, cyd: {} },
    blockInterval: SECOND,
    params: { targetBlockInterval: SECOND, reconfirmationPeriod: 8, resetGrace: 3, maxFulfillments: 2 },
  });
  const terms = { waitDuration: 3, openFor: 6 * SECOND };
  const [broken] = driver.deploy('tom', { infrastructure: [infrastructure({ persist: true })], ...terms }) as [string];
  const [kept] = driver.deploy('tess', terms) as [string];
  const until = (height: number): void => void driver.run(height - driver.height);

  driver.send('cyd', bid(driver.order(broken), UAKT_PER_S));
  driver.send('bob', bid(driver.order(broken), UAKT_PER_S / 2n + 1n));
  // The book of two is full: ann's bid takes the place of cyd's, which was the dearest.
  driver.send('ann', bid(driver.order(broken), UAKT_PER_S / 2n));
  // A tie, which goes to the one placed first.
  driver.send('bob', bid(driver.order(kept), UAKT_PER_S / 4n));
  driver.send('ann', bid(driver.order(kept), UAKT_PER_S / 4n));
  until(5);
  driver.send('ann', confirmation(broken));
  driver.send('bob', confirmation(kept));
  // Enough for one period of both, and for one micro-AKASH more.
  const poor = driver.deploy('tia', {
    infrastructure: [infrastructure(), infrastructure()],
    waitDuration: 1,
    escrow: 17n,
  }) as [string, string];
  driver.send('cyd', bid(driver.order(poor[0]), UAKT_PER_S));
  driver.send('ann', bid(driver.order(poor[1]), UAKT_PER_S / 3n));
  until(8);
  driver.send('cyd', confirmation(poor[0]));
  driver.send('ann', confirmation(poor[1]));
  until(10);
  driver.send('bob', confirmation(kept));
  driver.send('ann', confirmation(broken));
  until(14);
  driver.send('cyd', confirmation(poor[0]));
  driver.send('ann', confirmation(poor[1]));
  driver.send('bob', confirmation(kept));
  until(17);
  driver.must('tess', { type: 'CloseDeployment', deployment: kept.split('/').slice(0, 2).join('/') });
  driver.must('bob', confirmation(kept, true));
  driver.runUntil('DeploymentClosing', 20);
  driver.must('ann', confirmation(poor[1], true));
  until(40);
  return { driver, broken, kept, poor };
}

/** What a monitor is shown instead of the truth. */
export interface Shown {
  block: Block;
  result: BlockResult;
}
/** Changes what is shown of a block, or the state behind it. */
export type Doctor = (shown: Shown, state: State) => void;

/** Lives through the story with one monitor on. Returns what it found wrong. */
export function listen(story: Story, name: string, doctor?: Doctor): MonitorViolation | undefined {
  const replica = story.driver.replica();
  const monitor = allMonitors(story.driver.genesis, { fullEvery: 1 }).find(one => one.name === name);
  if (monitor === undefined) throw new Error(`there is no monitor ${name}`);
  try {
    for (const block of story.driver.blocks) {
      const result = replica.apply(block);
      const shown = { block, result };
      doctor?.(shown, replica.state);
      monitor.afterBlock(shown.block, shown.result, replica.state);
    }
    monitor.atEnd(replica.state);
    return undefined;
  } catch (error) {
    if (error instanceof MonitorViolation) return error;
    throw error;
  }
}

/** Expects that a monitor finds one rule broken when the story is told wrongly. */
export function expectFound(story: Story, name: string, rule: string, doctor: Doctor): void {
  const found = listen(story, name, doctor);
  expect(found?.rule, found?.message ?? 'nothing was found').toBe(rule);
  expect(found?.monitor).toBe(name);
}

type Select<T extends EventType> = (event: EventOf<T>) => boolean;

/** Replaces the first event of a type that fits by others, in all of history: nothing, itself changed, itself twice. */
export function replace<T extends EventType>(
  type: T,
  by: (event: EventOf<T>) => Event[],
  select: Select<T> = () => true,
): Doctor {
  let done = false;
  return shown => {
    if (done) return;
    const at = shown.result.events.findIndex(one => one.type === type && select(one as EventOf<T>));
    if (at < 0) return;
    done = true;
    const events = [...shown.result.events];
    events.splice(at, 1, ...by(events[at] as EventOf<T>));
    shown.result = { ...shown.result, events };
  };
}

/** Adds events to the first block that has an event of a type that fits. */
export function add<T extends EventType>(
  type: T,
  more: (event: EventOf<T>) => Event[],
  select: Select<T> = () => true,
): Doctor {
  return replace(type, event => [event, ...more(event)], select);
}

/** Changes the state once, at a height. */
export function meddle(height: number, change: (state: State) => void): Doctor {
  return (shown, state) => {
    if (shown.result.height === height) change(state);
  };
}

/** Shows a block at a height with other facilitation. */
export function facilitate(height: number, change: (list: Block['facilitation']) => Block['facilitation']): Doctor {
  return shown => {
    if (shown.result.height !== height) return;
    shown.block = { ...shown.block, facilitation: change(shown.block.facilitation) };
  };
}

/** Leaves the first facilitation message of a type out of its block. */
export function neglect(type: Block['facilitation'][number]['type']): Doctor {
  let done = false;
  return shown => {
    const { facilitation } = shown.block;
    const at = facilitation.findIndex(one => one.type === type);
    if (done || at < 0) return;
    done = true;
    shown.block = { ...shown.block, facilitation: facilitation.toSpliced(at, 1) };
  };
}

/** Shows the first transaction with a message of a type as sent by somebody else. */
export function sentBy(type: MessageType, account: string): Doctor {
  let done = false;
  return shown => {
    const { transactions } = shown.block;
    const at = transactions.findIndex(tx => tx.body.message.type === type);
    const tx = transactions[at];
    if (done || tx === undefined) return;
    done = true;
    const forged = { ...tx, body: { ...tx.body, account } } as Transaction;
    shown.block = { ...shown.block, transactions: transactions.with(at, forged) };
  };
}
