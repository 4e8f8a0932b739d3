/**
 * Whether every payment of a run is what the market's rules give for the block times that the run had, to the
 * micro-AKASH. It reads the events that anybody can read, of a simulated run or a live one, and shares no line with the
 * code that pays: what it knows stands in this file, in the words of the rules.
 *
 * - From the block of its first confirmation on, a lease is worth floor(price x microseconds / 10^12) in all; a payment
 *   is what of that has not been paid. So settling often or seldom pays the same.
 * - A confirmation pays up to its block. So does the end of a lease, unless it went unconfirmed for longer than the
 *   period: that stretch stays unpaid.
 * - A lease that its tenant closes before it was ever confirmed is paid for the time since the match (parameter
 *   pendingClose), as far as the escrow is not owed to others.
 * - Where the escrow is exhausted, all leases of the deployment share it in proportion to what they are owed, what is left
 *   over one by one in order of creation.
 * - Of each payment the lease tax is taken, rounded down. A broken lease forfeits exactly what was posted; any other
 *   returns it. What is left of the escrow returns when the deployment closes.
 */
import type { EventRow } from './event-rows.ts';

/** The parameters of the chain that decide about payments, at its beginning. */
export interface PaymentRules {
  /** Parts per million. */
  readonly leaseTax: number;
  readonly pendingClose: string;
  readonly settlement: string;
  /** Blocks. */
  readonly reconfirmationPeriod: number;
  readonly collateralTo: string;
  /** Parts per million. */
  readonly collateralSplit: number;
  /** micro-AKASH that a renewed order takes from the escrow. */
  readonly feePerObject: bigint;
}

/** The rules among the parameters of a chain, as run.json has them. */
export function paymentRulesOf(params: Readonly<Record<string, unknown>>): PaymentRules {
  return {
    leaseTax: Number(params.leaseTax),
    pendingClose: String(params.pendingClose),
    settlement: String(params.settlement),
    reconfirmationPeriod: Number(params.reconfirmationPeriod),
    collateralTo: String(params.collateralTo),
    collateralSplit: Number(params.collateralSplit),
    feePerObject: BigInt(String(params.feePerObject)),
  };
}

/** An amount that is not as the rules say, in micro-AKASH. */
export interface WrongAmount {
  readonly height: number;
  /** The lease or deployment. */
  readonly about: string;
  readonly what: string;
  readonly found: bigint;
  readonly expected: bigint;
}

export interface PaymentVerdict {
  /** Payments for leases, and how many of them are as the rules say. */
  readonly payments: number;
  readonly right: number;
  /** Other amounts: what ends left unpaid, forfeits, collateral and escrow that returned. */
  readonly others: number;
  readonly othersRight: number;
  /** The first that are wrong, at most MAX_WRONG. */
  readonly wrong: readonly WrongAmount[];
}

const MAX_WRONG = 100;
const PICO_US_PER_UAKT = 10n ** 12n;
const MILLION = 10n ** 6n;

interface Lease {
  readonly id: string;
  readonly deployment: string;
  readonly price: bigint;
  readonly posted: bigint;
  readonly matchedAt: number;
  /** Block time of the first confirmation; null while pending. */
  billedFrom: number | null;
  /** Height of the match, or of the newest confirmation. */
  confirmedAt: number;
  paid: bigint;
  isClosing: boolean;
}

interface Deployment {
  escrow: bigint;
  /** In order of creation. */
  readonly leases: Lease[];
}

/** What a lease is owed in a block, and what of it is paid. */
interface Due {
  readonly owed: bigint;
  readonly pays: bigint;
}

type Details = Readonly<Record<string, string | number | boolean>>;

interface Happening {
  readonly type: string;
  readonly subject: string;
  readonly details: Details;
}

/** What is worth so much per second, after a time: rounded down. */
function worth(price: bigint, elapsed_us: number): bigint {
  return (price * BigInt(elapsed_us)) / PICO_US_PER_UAKT;
}

/** What each claim gets of an amount. */
function shared(available: bigint, claims: readonly bigint[]): bigint[] {
  const total = claims.reduce((sum, one) => sum + one, 0n);
  const amount = available < 0n ? 0n : available;
  if (total <= amount) return [...claims];
  const shares = claims.map(claim => (claim * amount) / total);
  let left = amount - shares.reduce((sum, one) => sum + one, 0n);
  return shares.map((share, i) => {
    if (left === 0n || share === claims[i]) return share;
    left -= 1n;
    return share + 1n;
  });
}

/**
 * Judges the payments of a run.
 * @param rows its events, all of them, in order
 * @throws SyntaxError for details that are no JSON; Error for events that tell of leases nobody made
 */
export function judgePayments(rows: Iterable<EventRow>, rules: PaymentRules): PaymentVerdict {
  const referee = new Referee(rules);
  let height = -1;
  let time_us = 0;
  let block: Happening[] = [];
  for (const { height: at, time, type, subject, details } of rows) {
    if (at !== height) {
      referee.block(height, time_us, block);
      [height, time_us, block] = [at, Math.round(time * 1e6), []];
    }
    if (WATCHED.has(type)) block.push({ type, subject, details: JSON.parse(details) as Details });
  }
  referee.block(height, time_us, block);
  return referee.verdict;
}

const WATCHED: ReadonlySet<string> = new Set([
  ...[
    'DeploymentSubmitted',
    'EscrowDeposited',
    'DeploymentClosing',
    'DeploymentClosed',
    'OrderOpened',
    'ParameterChanged',
  ],
  ...['LeaseCreated', 'LeaseActive', 'LeaseConfirmed', 'LeasePaid', 'LeaseClosing', 'LeaseClosed', 'LeaseBroken'],
]);

class Referee {
  #rules: PaymentRules;
  readonly #leases = new Map<string, Lease>();
  readonly #deployments = new Map<string, Deployment>();
  /** Collateral that an order asks for. */
  readonly #asked = new Map<string, bigint>();
  #height = 0;
  #now = 0;
  #payments = 0;
  #right = 0;
  #others = 0;
  #othersRight = 0;
  readonly #wrong: WrongAmount[] = [];

  constructor(rules: PaymentRules) {
    this.#rules = rules;
  }

  get verdict(): PaymentVerdict {
    return {
      payments: this.#payments,
      right: this.#right,
      others: this.#others,
      othersRight: this.#othersRight,
      wrong: this.#wrong,
    };
  }

  /** All that happened in a block. */
  block(height: number, time_us: number, happenings: readonly Happening[]): void {
    this.#height = height;
    this.#now = time_us;
    // What is to be paid follows from how the block found things, and from what happened to each lease in it.
    const due = this.#dueIn(happenings);
    for (const one of happenings) this.#follow(one, due);
    this.#checkPaid(happenings, due);
    for (const { type, details } of happenings)
      if (type === 'ParameterChanged') this.#change(String(details.name), String(details.value));
  }

  // What is to be paid.

  /** Unconfirmed for longer than the period. */
  #isStale({ confirmedAt }: Lease): boolean {
    return this.#height - confirmedAt > this.#rules.reconfirmationPeriod;
  }

  /** Worth of the time since billing began that was not paid, where it is to be. */
  #owed(lease: Lease): bigint {
    return this.#isStale(lease) ? 0n : this.#accrued(lease);
  }

  #accrued({ billedFrom, price, paid }: Lease): bigint {
    return billedFrom === null ? 0n : worth(price, this.#now - billedFrom) - paid;
  }

  /** What a lease is to be paid in this block, for each to which something happens. */
  #dueIn(happenings: readonly Happening[]): Map<string, Due> {
    const due = new Map<string, Due>();
    const closings = new Map<string, Happening[]>();
    for (const one of happenings) {
      const lease = this.#leases.get(one.subject);
      if (lease === undefined) continue;
      const owed = this.#owed(lease);
      const accrued = this.#accrued(lease);
      if (one.type === 'LeaseConfirmed') due.set(lease.id, { owed: accrued, pays: accrued });
      // Paid without anything else: each block pays, or nothing does.
      else if (one.type === 'LeasePaid' && !due.has(lease.id))
        due.set(lease.id, { owed, pays: this.#rules.settlement === 'per_block' ? owed : 0n });
      else if (one.type === 'LeaseBroken') due.set(lease.id, { owed: accrued, pays: 0n });
      else if (one.type === 'LeaseClosing') {
        const key = `${String(one.details.reason)} ${lease.deployment}`;
        closings.set(key, [...(closings.get(key) ?? []), one]);
      }
    }
    for (const group of closings.values()) this.#dueAtClose(group, happenings, due);
    return due;
  }

  /** Leases of one deployment that end together. */
  #dueAtClose(group: readonly Happening[], happenings: readonly Happening[], due: Map<string, Due>): void {
    const ending = group.map(one => this.#need(one.subject)).filter(one => !one.isClosing);
    const { deployment } = ending[0] as Lease;
    const { escrow, leases } = this.#deployment(deployment);
    const before = happenings.slice(0, happenings.indexOf(group[0] as Happening));
    const was = (type: string, about: string): boolean =>
      before.some(one => one.type === type && one.subject === about);
    let available = escrow;
    for (const { type, subject, details } of before)
      if (type === 'EscrowDeposited' && subject === deployment) available += BigInt(String(details.amount));
    // What others have accrued is theirs, whether it moved earlier in this block or has yet to.
    for (const other of leases)
      if (!other.isClosing && !ending.includes(other)) available -= due.get(other.id)?.pays ?? this.#owed(other);
    // Accrued debt is reserved: what is owed since a match comes after it.
    const isActive = (one: Lease): boolean => one.billedFrom !== null || was('LeaseActive', one.id);
    const active = leases.filter(one => ending.includes(one) && isActive(one));
    const owed = active.map(one => (was('LeaseConfirmed', one.id) ? this.#accrued(one) : this.#owed(one)));
    available -= this.#share(active, owed, available, due);
    const pending = leases.filter(one => ending.includes(one) && !isActive(one));
    const isPaid = group[0]?.details.reason !== 'insufficient_funds' && this.#rules.pendingClose === 'pays';
    const sinceMatch = pending.map(one =>
      isPaid && !this.#isStale(one) ? worth(one.price, this.#now - one.matchedAt) : 0n,
    );
    this.#share(pending, sinceMatch, available, due);
  }

  /** Shares an amount among leases, in order of creation; returns what they get in all. */
  #share(leases: readonly Lease[], owed: readonly bigint[], available: bigint, due: Map<string, Due>): bigint {
    const shares = shared(available, owed);
    leases.forEach(({ id }, i) => {
      due.set(id, { owed: owed[i] as bigint, pays: shares[i] as bigint });
    });
    return shares.reduce((sum, one) => sum + one, 0n);
  }

  // What was paid.

  #checkPaid(happenings: readonly Happening[], due: ReadonlyMap<string, Due>): void {
    const paid = new Map<string, { amount: bigint; count: number; taxed: boolean }>();
    for (const { type, subject, details } of happenings) {
      if (type !== 'LeasePaid') continue;
      const amount = BigInt(String(details.amount));
      const tax = (amount * BigInt(this.#rules.leaseTax)) / MILLION;
      const found = BigInt(String(details.tax));
      if (found !== tax) this.#note(subject, 'the lease tax', found, tax);
      const sum = paid.get(subject) ?? { amount: 0n, count: 0, taxed: true };
      paid.set(subject, { amount: sum.amount + amount, count: sum.count + 1, taxed: sum.taxed && found === tax });
    }
    for (const [lease, { amount, count, taxed }] of paid) {
      const expected = due.get(lease)?.pays ?? 0n;
      this.#payments += count;
      if (amount !== expected) this.#note(lease, 'a payment', amount, expected);
      else if (taxed) this.#right += count;
    }
    // Who is owed something and was paid nothing at all.
    for (const [lease, { pays }] of due) {
      if (pays === 0n || paid.has(lease)) continue;
      this.#payments += 1;
      this.#note(lease, 'a payment', 0n, pays);
    }
  }

  #follow(one: Happening, due: ReadonlyMap<string, Due>): void {
    const { type, subject, details } = one;
    switch (type) {
      case 'DeploymentSubmitted':
        this.#deployments.set(subject, { escrow: BigInt(String(details.escrow)), leases: [] });
        return;
      case 'EscrowDeposited':
        this.#addToEscrow(subject, BigInt(String(details.amount)));
        return;
      case 'DeploymentClosing': {
        const deployment = this.#deployment(subject);
        this.#check(subject, 'escrow that returned', BigInt(String(details.refund)), deployment.escrow);
        deployment.escrow = 0n;
        return;
      }
      case 'DeploymentClosed':
        this.#deployments.delete(subject);
        return;
      case 'OrderOpened':
        this.#asked.set(subject, BigInt(String(details.collateral)));
        return;
      case 'LeaseCreated':
        this.#create(subject, details);
        return;
      case 'LeaseActive':
      case 'LeaseConfirmed': {
        const lease = this.#need(subject);
        lease.billedFrom ??= this.#now;
        lease.confirmedAt = this.#height;
        return;
      }
      case 'LeasePaid': {
        const lease = this.#need(subject);
        const amount = BigInt(String(details.amount));
        lease.paid += amount;
        this.#addToEscrow(lease.deployment, -amount);
        return;
      }
      case 'LeaseClosing': {
        const lease = this.#need(subject);
        lease.isClosing = true;
        const { owed, pays } = due.get(subject) ?? { owed: 0n, pays: 0n };
        this.#check(subject, 'what stayed unpaid', BigInt(String(details.unpaid)), owed - pays);
        return;
      }
      case 'LeaseClosed':
        this.#check(
          subject,
          'collateral that returned',
          BigInt(String(details.collateral)),
          this.#need(subject).posted,
        );
        this.#leases.delete(subject);
        return;
      case 'LeaseBroken':
        this.#break(subject, details, due.get(subject)?.owed ?? 0n);
        return;
      default:
    }
  }

  #create(id: string, details: Details): void {
    const posted = BigInt(String(details.collateral));
    this.#check(id, 'collateral that was posted', posted, this.#asked.get(id) ?? 0n);
    this.#asked.delete(id);
    const lease: Lease = {
      id,
      deployment: id.split('/').slice(0, -2).join('/'),
      price: BigInt(String(details.price)),
      posted,
      matchedAt: this.#now,
      billedFrom: null,
      confirmedAt: this.#height,
      paid: 0n,
      isClosing: false,
    };
    this.#leases.set(id, lease);
    this.#deployment(lease.deployment).leases.push(lease);
  }

  #break(id: string, details: Details, unpaid: bigint): void {
    const { posted, deployment } = this.#need(id);
    const { collateralTo, collateralSplit, feePerObject } = this.#rules;
    const part = (posted * BigInt(collateralSplit)) / MILLION;
    const toTenant = collateralTo === 'tenant' ? posted : collateralTo === 'burn' ? 0n : part;
    this.#check(id, 'the forfeit', BigInt(String(details.forfeited)), posted);
    this.#check(id, 'the forfeit to the tenant', BigInt(String(details.toTenant)), toTenant);
    this.#check(id, 'the forfeit that was burned', BigInt(String(details.burned)), posted - toTenant);
    this.#check(id, 'what stayed unpaid', BigInt(String(details.unpaid)), unpaid);
    if (details.renewed === true) this.#addToEscrow(deployment, -feePerObject);
    this.#remove(id);
  }

  #remove(id: string): void {
    const { leases } = this.#deployment(this.#need(id).deployment);
    leases.splice(leases.indexOf(this.#need(id)), 1);
    this.#leases.delete(id);
  }

  #addToEscrow(deployment: string, amount: bigint): void {
    this.#deployment(deployment).escrow += amount;
  }

  #deployment(id: string): Deployment {
    const deployment = this.#deployments.get(id);
    if (deployment === undefined)
      throw new Error(`found an event of the deployment ${id}, expected its beginning before`);
    return deployment;
  }

  #change(name: string, value: string): void {
    if (!Object.hasOwn(this.#rules, name)) return;
    const before = this.#rules[name as keyof PaymentRules];
    const after = typeof before === 'bigint' ? BigInt(value) : typeof before === 'number' ? Number(value) : value;
    this.#rules = { ...this.#rules, [name]: after };
  }

  #need(id: string): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new Error(`found an event of the lease ${id}, expected its creation before`);
    return lease;
  }

  #check(about: string, what: string, found: bigint, expected: bigint): void {
    this.#others += 1;
    if (found === expected) this.#othersRight += 1;
    else this.#note(about, what, found, expected);
  }

  #note(about: string, what: string, found: bigint, expected: bigint): void {
    if (this.#wrong.length < MAX_WRONG) this.#wrong.push({ height: this.#height, about, what, found, expected });
  }
}
