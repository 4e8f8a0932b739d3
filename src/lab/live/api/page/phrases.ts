/**
 * How the status page writes numbers, amounts, times and names: text from text, without a page. Served inside the page
 * with its other parts (page.ts), so that it imports types only, and no two parts use a name twice.
 */
import type { z } from 'zod';
import type { compute } from '../words.ts';

export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

export function digits(value: number, most: number): string {
  const size = Math.abs(value);
  const places = size >= 1_000 ? 0 : size >= 100 ? Math.min(1, most) : size >= 1 ? Math.min(2, most) : most;
  const [whole = '0', fraction = ''] = value.toFixed(places).split('.');
  const cut = fraction.replace(/0+$/, '');
  return `${grouped(Number(whole))}${cut === '' ? '' : `.${cut}`}`;
}

/** A price in pico-AKASH per second by the hour, in the unit that reads best. */
export function perHour(price: string): string {
  const uakt = (Number(price) * 3_600) / 1e6;
  return uakt >= 100_000 ? `${digits(uakt / 1e6, 4)} AKASH/h` : `${digits(uakt, 2)} uakt/h`;
}

/** An amount of micro-AKASH; small ones in their own unit, so that they do not read as nothing. */
export function akash(uakt: string): string {
  const amount = Number(uakt);
  return amount > 0 && amount < 10_000 ? `${grouped(amount)} uakt` : `${digits(amount / 1e6, 4)} AKASH`;
}

export function percent(ppm: number): string {
  return `${digits(ppm / 10_000, 1)}\u202f%`;
}

export function span(us: number): string {
  const s = Math.max(0, us / 1e6);
  if (s < 10) return `${s.toFixed(1)}\u202fs`;
  if (s < 100) return `${Math.floor(s)}\u202fs`;
  if (s < 6_000) return `${Math.floor(s / 60)}\u202fmin`;
  if (s < 172_800) return `${Math.floor(s / 3_600)}\u202fh`;
  return `${grouped(Math.floor(s / 86_400))}\u202fd`;
}

export function bytes(count: number): string {
  if (count >= 2 ** 40) return `${digits(count / 2 ** 40, 1)} TiB`;
  if (count >= 2 ** 30) return `${digits(count / 2 ** 30, 1)} GiB`;
  return `${digits(count / 2 ** 20, 1)} MiB`;
}

export function asks(unit: z.infer<typeof compute>): string {
  const parts = [`${digits(unit.cpu_milli / 1_000, 2)} vCPU`, bytes(unit.memory_bytes)];
  if (unit.gpu_milli > 0) parts.push(`${digits(unit.gpu_milli / 1_000, 2)} GPU`);
  if (unit.disk_bytes > 0) parts.push(`${bytes(unit.disk_bytes)} disk`);
  return parts.join(' \u00b7 ');
}

export function shortened(id: string): string {
  return id.length <= 16 ? id : `${id.slice(0, 9)}\u2026${id.slice(-5)}`;
}

/** Names that the node gave, for events, which have addresses only. */
export const names = new Map<string, string>();

export function learn(address: string, name: string | null): void {
  if (name !== null && names.size < 10_000) names.set(address, name);
}

export function learnAll(given: Readonly<Record<string, string>>): void {
  for (const address of Object.keys(given)) learn(address, given[address] ?? null);
}

export function called(address: unknown): string {
  return typeof address === 'string' ? (names.get(address) ?? shortened(address)) : '?';
}

/** `akash1.../7/0/0` with its tenant's name. */
export function objectName(id: unknown): string {
  const text = typeof id === 'string' ? id : '?';
  const cut = text.indexOf('/');
  return cut < 0 ? called(text) : `${called(text.slice(0, cut))}${text.slice(cut)}`;
}

export function regionName(region: string): string {
  return region === '' ? 'any region' : region;
}

/** An event as the API tells of it. */
export type Happened = { readonly type: string } & Readonly<Record<string, unknown>>;

/** What happened, in a sentence; null: nothing to tell a person of. */
export function sentence(one: Happened): string | null {
  const lease = objectName(one.lease);
  switch (one.type) {
    case 'DeploymentSubmitted':
      return `${called(one.tenant)} deployed ${objectName(one.deployment)} with ${akash(String(one.escrow_uakt))} in escrow`;
    case 'OrderOpened':
      return `${called(one.tenant)} opened order ${objectName(one.order)}`;
    case 'OrderClosed':
      return `Order ${objectName(one.order)} closed: ${String(one.reason)}`;
    case 'FulfillmentPlaced':
      return `${called(one.provider)} bid ${perHour(String(one.total_pakt_per_s))} for ${objectName(one.order)}`;
    case 'LeaseCreated':
      return `${called(one.provider)} won ${lease} at ${perHour(String(one.price_pakt_per_s))}, ${one.bids === 1 ? 'the only bid' : `of ${String(one.bids)} bids`}`;
    case 'LeaseActive':
      return `${called(one.provider)} serves ${lease}`;
    case 'LeasePaid':
      return `${called(one.tenant)} paid ${called(one.provider)} ${akash(String(one.amount_uakt))} for ${lease}`;
    case 'LeaseClosing':
      return `Lease ${lease} is closing: ${String(one.reason)}`;
    case 'LeaseClosed':
      return `Lease ${lease} ended: ${String(one.reason)}`;
    case 'LeaseBroken':
      return `${called(one.provider)} broke ${lease} and lost ${akash(String(one.forfeited_uakt))}`;
    case 'ProviderRegistered':
      return `${called(one.provider)} registered as a provider in ${String(one.region)}`;
    case 'ProviderJailed':
      return `Provider ${called(one.provider)} was jailed`;
    case 'ValidatorJailed':
      return `Validator ${called(one.validator)} was jailed: it missed ${String(one.missed_blocks)} blocks`;
    case 'ValidatorTombstoned':
      return `Validator ${called(one.validator)} double-signed and is out for good`;
    case 'ValidatorUnjailed':
      return `Validator ${called(one.validator)} is back`;
    case 'ValidatorSetChanged':
      return `${String(one.size)} validators from block ${String(one.height)} on`;
    case 'ParameterChanged':
      return `Parameter ${String(one.name)} is now ${String(one.value)}`;
    case 'TransactionFailed':
      return `${String(one.message)} of ${called(one.account)} failed: ${String(one.detail)}`;
    default:
      return null;
  }
}
