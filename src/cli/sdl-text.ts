/** What a person sees of an SDL file: its groups with what they ask and may cost, who may connect to whom, its hash. */
import { bytes, counted, grouped, priceUnitFor, significant, wrap } from '../lab/report/format.ts';
import { DEFAULT_CONVERSION, infrastructureOf, limitPerSecond, type MarketTerms } from '../protocol/manifest/market.ts';
import type { GroupResource, GroupSpec, ManifestGroup, SdlReading, TopologyLink } from '../protocol/manifest/types.ts';
import { tableText } from './table.ts';
import type { Terminal } from './terminal.ts';

type Accepted = Extract<SdlReading, { ok: true }>;

/** Characters that a name has in a table at least, however wide its numbers are. */
const LEAST_NAME = 8;
/** Spaces between the columns of a table, and before its first. */
const GAP = 2;
const INSET = 4;
/** Digits of a price per hour that are shown. */
const PRICE_DIGITS = 5;
/** Characters of an address that are shown. */
const ADDRESS_ENDS = 8;

const TERMS: MarketTerms = { region: '', persist: false, reputationAtLeast: 0, collateral: 0n };

/** Text of a file as it may be printed: what would move the cursor or turn the direction of writing is spelt out. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, one => `\\u{${one.codePointAt(0)!.toString(16)}}`);
}

function short(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

function thousandths(milli: bigint): string {
  const rest = (milli % 1000n).toString().padStart(3, '0').replace(/0+$/, '');
  return `${grouped(milli / 1000n)}${rest === '' ? '' : `.${rest}`}`;
}

function address(text: string): string {
  const safe = printable(text);
  return safe.length <= 2 * ADDRESS_ENDS + 1 ? safe : `${safe.slice(0, ADDRESS_ENDS)}…${safe.slice(-ADDRESS_ENDS)}`;
}

function isRam(attributes: readonly { key: string; value: string }[]): boolean {
  return attributes.some(({ key, value }) => key === 'class' && value === 'ram');
}

function size(volumes: GroupResource['storage'], ram: boolean): bigint {
  return volumes.reduce((sum, one) => sum + (isRam(one.attributes) === ram ? one.bytes : 0n), 0n);
}

/** `10,000 uact`: the digits of the file's own price, a dot where it has decimals. */
function amount({ amount: text, denom }: GroupResource['price']): string {
  return `${/^\d+$/.test(text) ? grouped(BigInt(text)) : text} ${denom}`;
}

/** What a group asks of a provider besides resources. */
function demands({ requirements: { attributes, signedBy } }: GroupSpec): string {
  const stated = attributes.map(({ key, value }) => printable(`${key}=${value}`));
  const all = signedBy.allOf.map(address).join(' and ');
  const any = signedBy.anyOf.map(address).join(' or ');
  return [
    'at a provider',
    ...(stated.length === 0 ? [] : [`with ${stated.join(', ')}`]),
    ...(all === '' && any === '' ? [] : [`signed by ${[all, any].filter(one => one !== '').join(' and ')}`]),
  ].join(' ');
}

/** Lines about what does not fit into a table: kinds of GPU, volumes that last, leased addresses. */
function details(group: GroupSpec, manifest: ManifestGroup): string[] {
  return manifest.services.flatMap(service => {
    const resource = group.resources.find(one => one.id === service.resources.id)!;
    const name = printable(service.name);
    const lines: string[] = [];
    if (resource.gpu.units > 0n) {
      const kinds = resource.gpu.attributes.map(({ key }) =>
        printable(key.replace(/^vendor\/|(?<=\/)(model|ram|interface)\//g, '')),
      );
      lines.push(`${name}: GPUs ${kinds.join(' or ')}`);
    }
    for (const { name: volume, bytes: count, attributes } of resource.storage) {
      const storageClass = attributes.find(one => one.key === 'class')?.value;
      if (storageClass === undefined) continue;
      const mount = service.params?.storage.find(one => one.name === volume)?.mount ?? '';
      const at = mount === '' ? '' : ` at ${printable(mount)}`;
      const kind = storageClass === 'ram' ? 'of memory as a volume' : `kept on ${printable(storageClass)}`;
      lines.push(`${name}: ${bytes(Number(count))} ${kind}${at}`);
    }
    if (service.params?.tee != null) lines.push(`${name}: trusted execution (${service.params.tee.type})`);
    return lines;
  });
}

function groupText(terminal: Terminal, group: GroupSpec, manifest: ManifestGroup): string {
  const { bold, dim, yellow } = terminal.colours;
  const right = 'right' as const;
  const prices = group.resources.map(one => limitPerSecond(one.price, DEFAULT_CONVERSION));
  const unit = priceUnitFor(prices.reduce((most, one) => (one > most ? one : most), 0n));
  const columns = [
    { head: 'service' },
    { head: 'count', align: right },
    { head: 'vCPU', align: right },
    { head: 'memory', align: right },
    { head: 'disk', align: right },
    { head: 'GPU', align: right },
    { head: 'each at most', align: right },
    { head: unit, align: right },
  ];
  const rows = manifest.services.map(({ name, count, resources }) => {
    const at = group.resources.findIndex(one => one.id === resources.id);
    const { cpu, memory, storage, gpu, price } = group.resources[at]!;
    return [
      printable(name),
      grouped(count),
      thousandths(cpu.milli),
      bytes(Number(memory.bytes + size(storage, true))),
      bytes(Number(size(storage, false))),
      gpu.units === 0n ? '' : grouped(gpu.units),
      amount(price),
      significant(Number(prices[at]! * 3_600n) / (unit === 'uakt/h' ? 1e6 : 1e12), PRICE_DIGITS),
    ];
  });
  const asked = demands(group);
  const where = asked === 'at a provider' ? 'at any provider' : asked;
  const indent = '      ';
  const head = wrap(`  group ${printable(group.name)}, ${where}`, terminal.width, indent);
  const widths = columns.slice(1).map((one, i) => Math.max(one.head.length, ...rows.map(row => row[i + 1]!.length)));
  const taken = widths.reduce((sum, one) => sum + one + GAP, INSET);
  const length = Math.max(LEAST_NAME, terminal.width - taken);
  const fitting = rows.map(([name, ...rest]) => [short(name!, length), ...rest]);
  const table = tableText(terminal, columns, fitting).replace(/^/gm, '  ').trimEnd();
  const more = details(group, manifest).map(one => dim(wrap(`    ${one}`, terminal.width, indent)));
  const mapped = infrastructureOf(group, TERMS, DEFAULT_CONVERSION);
  const not = mapped.ok ? [] : mapped.reasons.map(one => `    ${yellow('no order of the market')}: ${one}`);
  return [
    head.replace(printable(group.name), bold(printable(group.name))),
    table,
    ...more,
    ...not.map(one => wrap(one, terminal.width, indent)),
  ].join('\n');
}

/** How a service is reached from outside. */
const ENTRANCES = {
  'shared-http': 'through the shared HTTP entrance',
  'random-port': "on a port of the provider's choice",
  'leased-ip': 'on the leased IP',
} as const;

/** Most names of hosts in a line. */
const MAX_HOSTS = 3;

function linkText({ from, port, as, proto, hosts, ip, entrance }: TopologyLink, apart: boolean): string {
  const ports = from === 'global' || as === port ? `${as}` : `${as} (its ${port})`;
  const on = `${ports}/${proto.toLowerCase()}`;
  if (from !== 'global') return `${printable(from.service)} on ${on}${apart ? ', across datacenters' : ''}`;
  const more = hosts.length > MAX_HOSTS ? ` and ${counted(hosts.length - MAX_HOSTS, 'more name')}` : '';
  const names = hosts.length === 0 ? '' : ` as ${hosts.slice(0, MAX_HOSTS).map(printable).join(', ')}${more}`;
  const how = entrance === null ? '' : ` ${ENTRANCES[entrance]}${ip === '' ? '' : ` ${printable(ip)}`}`;
  return `everybody on ${on}${how}${names}`;
}

/** Most permissions of a service that are listed. */
const MAX_LINKS = 12;

function topologyText(terminal: Terminal, { topology }: Accepted): string {
  const { bold, dim } = terminal.colours;
  const groupsOf = new Map(topology.services.map(one => [one.name, one.groups.map(({ group }) => group)]));
  const parts = topology.services.map(({ name, groups }) => {
    const links = topology.links.filter(one => one.to === name);
    const lines = links.slice(0, MAX_LINKS).map(link => {
      const others = link.from === 'global' ? [] : (groupsOf.get(link.from.service) ?? []);
      const apart = others.some(other => groups.some(({ group }) => group !== other));
      return `      ${wrap(linkText(link, apart), terminal.width - 6, '').replaceAll('\n', '\n        ')}`;
    });
    if (links.length > MAX_LINKS) lines.push(`      and ${counted(links.length - MAX_LINKS, 'more permission')}`);
    if (lines.length === 0) return `    ${printable(name)} ${dim('is reached by nobody')}`;
    return [`    ${printable(name)} ${dim('is reached by')}`, ...lines].join('\n');
  });
  return [`  ${bold('connections')}`, ...parts].join('\n');
}

/** The page about a file that was accepted. */
export function sdlText(terminal: Terminal, file: string, reading: Accepted): string {
  const { bold, green, cyan } = terminal.colours;
  const services = counted(reading.topology.services.length, 'service');
  const kind = `SDL ${reading.sdl.version}, ${counted(reading.groupSpecs.length, 'group')}, ${services}`;
  const groups = reading.groupSpecs.map(group => {
    const manifest = reading.manifest.find(one => one.name === group.name)!;
    return groupText(terminal, group, manifest);
  });
  return [
    bold(printable(file)),
    `  ${green('accepted')}: ${kind}`,
    `  version ${cyan(reading.version)}`,
    ...groups.map(one => `\n${one}`),
    `\n${topologyText(terminal, reading)}`,
    '',
  ].join('\n');
}

/** What the prices per hour rest on, said once under all files. */
export function conversionText(terminal: Terminal): string {
  const { sdlBlock_us } = DEFAULT_CONVERSION;
  const text =
    `Prices in the file are for a block; per hour they are what the market would see, at ${sdlBlock_us / 1e6} s ` +
    'a block and one AKASH for an AKT or an ACT. A scenario may say otherwise.';
  return `${terminal.colours.dim(wrap(text, terminal.width))}\n`;
}
