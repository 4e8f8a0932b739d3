/**
 * Tells the story of one order in plain sentences, for somebody who has never seen the code: what was asked for, who bid
 * what and why one of them won, how the lease went, who was paid, and how it ended.
 */
import { akash, counted, moment, type PriceUnit, percent, perHour, priceUnitFor, significant, span } from './format.ts';
import type { Bid, Lease, OrderFacts, Refused } from './order-facts.ts';

/** What a story needs to know beside the events. */
export interface StoryContext {
  /** The chain's matching rule. */
  readonly rule: string;
  /** simulated seconds at which the run ended */
  readonly end: number;
}

/** A part of a story: a heading, and paragraphs or items under it. */
export interface Chapter {
  readonly title: string;
  readonly lines: readonly string[];
}

/** The whole story, part by part. */
export function storyOfOrder(facts: OrderFacts, context: StoryContext): Chapter[] {
  const unit = priceUnitFor(largestPrice(facts));
  const chapters = [asked(facts, unit), bidding(facts, unit, context.rule), outcome(facts, unit, context)];
  if (facts.lease !== null) chapters.push(leased(facts, facts.lease, context), ending(facts, facts.lease, context));
  if (facts.next !== null) chapters.push(following(facts));
  return chapters.filter(chapter => chapter.lines.length > 0);
}

function largestPrice({ opened, bids }: OrderFacts): bigint {
  let most = 0n;
  for (const { price, count } of opened?.infrastructure.resources ?? []) {
    const total = price * BigInt(count);
    if (total > most) most = total;
  }
  for (const { total } of bids) if (total > most) most = total;
  return most;
}

const GIB = 2 ** 30;

function asked({ opened, escrow }: OrderFacts, unit: PriceUnit): Chapter {
  if (opened === null) return { title: 'What was asked for', lines: [] };
  const { infrastructure, tenant } = opened;
  const units = infrastructure.resources.map(({ compute, count }) => {
    const parts = [
      ...(compute.cpu > 0 ? [`${significant(compute.cpu / 1000, 6)} vCPU`] : []),
      ...(compute.memory > 0 ? [`${significant(compute.memory / GIB, 4)} GiB of memory`] : []),
      ...(compute.disk > 0 ? [`${significant(compute.disk / GIB, 4)} GiB of disk`] : []),
      ...(compute.gpu > 0 ? [`${significant(compute.gpu / 1000, 6)} GPU`] : []),
      ...(compute.bandwidth > 0 ? [`${significant(compute.bandwidth / 1e6, 4)} Mbit/s`] : []),
    ];
    return `${count} x (${parts.join(', ')})`;
  });
  const most = infrastructure.resources.reduce((sum, one) => sum + one.price * BigInt(one.count), 0n);
  const region = infrastructure.region === '' ? 'anywhere' : `in the region ${infrastructure.region}`;
  const lines = [
    `${moment(opened.time)}, block ${opened.height}: ${tenant} asks for ${units.join(' and ')}, ${region}.`,
    `It pays at most ${perHour(most, unit)} for all of it. ${collateralSentence(opened.collateral)}`,
  ];
  const required = Object.entries(infrastructure.attributes).map(([name, value]) => `${name} = ${value}`);
  if (required.length > 0) lines.push(`Only providers with ${required.join(', ')} may serve it.`);
  if (infrastructure.reputationAtLeast > 0) {
    lines.push(`Only providers with a reputation of at least ${infrastructure.reputationAtLeast / 1e6} may serve it.`);
  }
  if (infrastructure.persist) lines.push('It is to persist: if the provider breaks the lease, it is ordered again.');
  if (escrow !== null) lines.push(`To pay for it, ${tenant} puts ${akash(escrow.amount)} into escrow.`);
  lines.push(
    `Bids are taken until ${moment(opened.closesAt / 1e6)}; the decision may fall from block ${opened.matchFrom} on.`,
  );
  return { title: 'What was asked for', lines };
}

function collateralSentence(collateral: bigint): string {
  if (collateral === 0n) return 'It asks for no collateral.';
  return `Who serves it must post ${akash(collateral)} as collateral, which is lost if the lease is broken.`;
}

function bidding(facts: OrderFacts, unit: PriceUnit, rule: string): Chapter {
  const winner = facts.bids.find(bid => bid.outcome === 'won') ?? null;
  const matchFrom = facts.opened?.matchFrom ?? 0;
  const winnerIsLowest = facts.bids.every(bid => winner === null || bid.total >= winner.total);
  const book: Book = { winner, unit, rule, matchFrom, winnerIsLowest };
  const told = [
    ...facts.bids.map(bid => ({
      at: bid,
      text: `${bid.provider} bids ${perHour(bid.total, unit)}: ${fateOf(bid, book)}`,
    })),
    ...facts.refused
      .filter(one => one.message === 'SubmitFulfillment')
      .map(one => ({ at: one, text: `${one.account} bids, but is refused: ${refusal(one)}` })),
    ...facts.chosen.map(one => ({ at: one, text: `the tenant chooses ${one.provider}.` })),
  ].sort((a, b) => a.at.height - b.at.height);
  const lines = told.map(({ at, text }) => `${moment(at.time)}  ${text}`);
  if (facts.bids.length === 0) lines.unshift('Nobody placed a bid that counted.');
  return { title: `The bids (${facts.bids.length})`, lines };
}

/** What decides over bids. */
interface Book {
  readonly winner: Bid | null;
  readonly unit: PriceUnit;
  readonly rule: string;
  /** Height from which bids come too late to compete with earlier ones. */
  readonly matchFrom: number;
  readonly winnerIsLowest: boolean;
}

/** What became of a bid, and why. */
function fateOf(bid: Bid, book: Book): string {
  if (bid.outcome === 'won') {
    if (book.rule !== 'lowest-price') return `it wins (rule: ${book.rule}).`;
    return book.winnerIsLowest ? 'the lowest, it wins.' : 'the lowest of those that count, it wins.';
  }
  if (bid.outcome === 'lost') return lossOf(bid, book);
  if (bid.outcome === 'replaced') return 'pushed out of the full book by a cheaper bid; its collateral returned.';
  if (bid.outcome === 'cancelled') return `withdrawn by the provider${bid.ended ? `, ${moment(bid.ended.time)}` : ''}.`;
  if (bid.outcome === 'order_closed') return 'came to nothing: the order closed; its collateral returned.';
  if (bid.outcome === 'open') return 'still undecided when the run ended.';
  const why = /^ineligible: (.*)$/s.exec(bid.outcome)?.[1];
  if (why === undefined) return `closed: ${bid.outcome.replaceAll('_', ' ')}.`;
  return `not eligible any more when the decision fell: ${readable(why)}.`;
}

function lossOf(bid: Bid, { winner, unit, rule, matchFrom }: Book): string {
  if (winner === null) return 'lost.';
  if (rule !== 'lowest-price' && rule !== 'second-price') return `lost to ${winner.provider} (rule: ${rule}).`;
  const difference = bid.total - winner.total;
  if (difference > 0n) return `lost, ${perHour(difference, unit)} above the winner.`;
  if (bid.height >= matchFrom && winner.height < matchFrom) {
    return `lost: it came in block ${bid.height}, too late to compete with bids placed before block ${matchFrom}.`;
  }
  return difference === 0n ? 'lost: as low as the winner, but placed later.' : `lost to ${winner.provider}.`;
}

/** Why a bid was refused, by the code of the refusal. */
function refusal({ code, detail }: Refused): string {
  switch (code) {
    case 'order_not_open':
      return 'the order was not open any more.';
    case 'has_bid':
      return 'it has an open bid on this order already.';
    case 'order_full':
      return 'the book was full, and this price no lower than those in it.';
    case 'insufficient_collateral':
      return `it could not post the collateral (${readable(detail)}).`;
    default:
      return `${readable(detail)}.`;
  }
}

/** Numbers of the protocol in a reason, as people read them. */
function readable(reason: string): string {
  return reason
    .replace(/reputation (\d+) of (\d+) is below (\d+)/, (_, has: string, of: string, needs: string) => {
      return `its reputation of ${Number(has) / Number(of)} is below the ${Number(needs) / Number(of)} asked for`;
    })
    .replace(/until (\d+) us/, (_, time: string) => `until ${moment(Number(time) / 1e6)}`)
    .replace(/(\d+) uakt/g, (_, uakt: string) => akash(BigInt(uakt)))
    .replace(/balance is (\d+)$/, (_, uakt: string) => `balance is ${akash(BigInt(uakt))}`);
}

const CLOSED: Readonly<Record<string, string>> = {
  expired: 'its time was over, and there was no eligible bid. It expired; such an order is not renewed.',
  insufficient_funds: 'a provider was found, but the escrow could not cover one confirmation period any more.',
  tenant_closed: 'the tenant closed the deployment before a provider was bound.',
  removed: 'the tenant took this part out of the deployment.',
};

function outcome({ lease, closed, opened, bids }: OrderFacts, unit: PriceUnit, context: StoryContext): Chapter {
  const title = 'The decision';
  if (closed !== null) {
    const why = CLOSED[closed.reason] ?? `it closed: ${closed.reason.replaceAll('_', ' ')}.`;
    return { title, lines: [`${moment(closed.time)}, block ${closed.height}: ${why}`] };
  }
  if (lease === null) return { title, lines: [`None was taken before the run ended (${moment(context.end)}).`] };
  const wait = opened === null ? '' : `, ${span(lease.time - opened.time)} after the order`;
  const share =
    lease.maximum === 0n
      ? ''
      : `, ${percent(Number(lease.price) / Number(lease.maximum))} of the most it would have paid`;
  const own = bids.find(bid => bid.outcome === 'won');
  const other = own !== undefined && own.total !== lease.price ? ' (set by another bid, as this rule has it)' : '';
  return {
    title,
    lines: [
      `${moment(lease.time)}, block ${lease.height}${wait}: the order is matched.`,
      `${lease.provider} serves ${lease.tenant} for ${perHour(lease.price, unit)}${other}${share}.`,
      `${akash(lease.collateral)} of collateral stay locked until the end.`,
    ],
  };
}

/** Payments that are told one by one before they are summed up. */
const TOLD_PAYMENTS = 3;

/** A line of a chapter that is told in order of time. */
interface Told {
  readonly time: number;
  readonly text: string;
}

function leased(facts: OrderFacts, lease: Lease, context: StoryContext): Chapter {
  const told: Told[] = [];
  if (lease.active !== null) {
    const { time } = lease.active;
    const text = `${lease.provider} confirms that it runs, ${span(time - lease.time)} after the match. Billing begins.`;
    told.push({ time, text: `${moment(time)}  ${text}` });
  }
  for (const { account, message, code, detail, time } of facts.refused) {
    if (message !== 'SubmitLeaseConfirmation') continue;
    const why = code === 'too_soon' ? 'it came too soon after the last one' : readable(detail);
    told.push({ time, text: `${moment(time)}  a confirmation of ${account} is refused: ${why}.` });
  }
  told.push(...payments(lease));
  for (const { from, amount, escrow, time } of facts.deposits) {
    const text = `${from} adds ${akash(amount)} to the escrow, which then holds ${akash(escrow)}.`;
    told.push({ time, text: `${moment(time)}  ${text}` });
  }
  const lines = told.sort((left, right) => left.time - right.time).map(one => one.text);
  if (lease.active === null) lines.unshift(neverStarted(lease, context));
  return { title: 'The lease', lines };
}

function neverStarted(lease: Lease, { end }: StoryContext): string {
  const until = lease.broken ?? lease.closing;
  if (until !== null) return `${lease.provider} never confirmed that it runs.`;
  return `${lease.provider} had not confirmed when the run ended (${moment(end)}).`;
}

function payments(lease: Lease): Told[] {
  const confirmed = new Set(lease.confirmations.map(one => one.height));
  const single = lease.payments.length <= TOLD_PAYMENTS + 1 ? lease.payments.length : TOLD_PAYMENTS;
  const told = lease.payments.slice(0, single).map(({ height, time, amount }): Told => {
    const why = confirmed.has(height) ? 'it confirms again and is paid' : 'it is paid';
    return { time, text: `${moment(time)}  ${why} ${akash(amount)} for the time since.` };
  });
  const rest = lease.payments.slice(single);
  const [first] = rest;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return told;
  const sum = rest.reduce((total, one) => total + one.amount, 0n);
  const between = span((last.time - lease.payments[single - 1]!.time) / rest.length);
  const text = `${counted(rest.length, 'more payment')} follow, one every ${between} on average, ${akash(sum)} together, the last`;
  told.push({ time: first.time, text: `${moment(first.time)}  ${text} ${moment(last.time)}.` });
  return told;
}

const ENDS: Readonly<Record<string, string>> = {
  tenant_closed: 'the tenant closes the deployment. Billing stops in this block',
  insufficient_funds: 'the escrow is used up. Everything of the deployment ends in this block',
  removed: 'the tenant takes this part out of the deployment. Billing stops in this block',
};

function ending(facts: OrderFacts, lease: Lease, context: StoryContext): Chapter {
  const lines: string[] = [];
  if (lease.closing !== null) {
    const { time, reason, unpaid } = lease.closing;
    const owed = unpaid === 0n ? '' : `; ${akash(unpaid)} that it owes stay unpaid`;
    lines.push(`${moment(time)}  ${ENDS[reason] ?? reason.replaceAll('_', ' ')}${owed}.`);
    if (facts.deploymentClosing !== null && facts.deploymentClosing.refund > 0n) {
      lines.push(
        `${moment(facts.deploymentClosing.time)}  ${akash(facts.deploymentClosing.refund)} of unused escrow return to ${lease.tenant}.`,
      );
    }
  }
  if (lease.closed !== null) {
    const { time, collateral, resetConfirmed } = lease.closed;
    const teardown = resetConfirmed
      ? `${lease.provider} confirms that everything is torn down`
      : `${lease.provider} did not confirm the teardown in time, which counts against its record`;
    lines.push(`${moment(time)}  ${teardown}; its ${akash(collateral)} of collateral return to it.`);
  }
  if (lease.broken !== null) lines.push(...brokenLines(lease, lease.broken));
  if (lease.closing === null && lease.broken === null) {
    lines.push(`The lease stood when the run ended (${moment(context.end)}).`);
  }
  lines.push(...totals(lease));
  return { title: 'The end', lines };
}

function brokenLines(lease: Lease, broken: NonNullable<Lease['broken']>): string[] {
  const last = lease.confirmations.at(-1) ?? lease.active ?? lease;
  const silent = last === lease ? 'since the match' : `since ${moment(last.time)}`;
  const lines = [
    `${moment(broken.time)}  the lease is broken: ${lease.provider} has not confirmed ${silent}, longer than a confirmation period.`,
  ];
  const parts: string[] = [];
  if (broken.toTenant > 0n) parts.push(`${akash(broken.toTenant)} go to ${lease.tenant}`);
  if (broken.burned > 0n) parts.push(`${akash(broken.burned)} are burned`);
  if (parts.length > 0) lines.push(`It loses its collateral of ${akash(broken.forfeited)}: ${parts.join(', ')}.`);
  else lines.push('There was no collateral to lose.');
  if (broken.stakeSlashed > 0n) lines.push(`${akash(broken.stakeSlashed)} of its stake are slashed.`);
  if (broken.unpaid > 0n) lines.push(`The ${akash(broken.unpaid)} for the time since are not paid to it.`);
  return lines;
}

/** What it came to. After a broken lease the time since the last confirmation is not paid. */
function totals(lease: Lease): string[] {
  const last = lease.payments.at(-1);
  if (last === undefined) return ['Nothing was paid.'];
  const paid = lease.payments.reduce((sum, one) => sum + one.amount, 0n);
  const tax = lease.payments.reduce((sum, one) => sum + one.tax, 0n);
  const taxed = tax === 0n ? '' : ` (${akash(tax)} of it as lease tax)`;
  const served = span(last.time - (lease.active ?? lease).time);
  return [`In all, ${lease.tenant} paid ${akash(paid)}${taxed} for ${served}.`];
}

function following({ next }: OrderFacts): Chapter {
  if (next === null) return { title: '', lines: [] };
  const end = next.end === null ? 'it was open when the run ended' : `${next.end.text}, ${moment(next.end.time)}`;
  return {
    title: 'What followed',
    lines: [`${moment(next.opened.time)}  Because it is to persist, it is ordered again as ${next.name}: ${end}.`],
  };
}
