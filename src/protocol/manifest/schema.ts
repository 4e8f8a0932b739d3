/**
 * The schema of SDL 2.0 and 2.1: which properties there are, which are required, and what each may hold.
 *
 * It gives the verdicts of the official JSON Schema (akash-network/chain-sdk, go/sdl/sdl-input.schema.yaml), which also
 * knows a few rules between neighbours: a graphics card needs attributes and attributes a card, RAM cannot be persistent
 * and other storage classes must be, a leased IP is for the outside. It is stricter in two places, each where the official
 * tool would go on with what no chain can hold: counts end at 2^32 - 1, and dates (which become a text of the machine's
 * language and time zone) are not attributes.
 */

import type { Check, Report } from './checks.ts';
import { all, bool, described, list, MAX_UINT32, map, named, nullable, record, text, whole, word } from './checks.ts';
import type { SdlDocument, Tree } from './document.ts';
import type { Step } from './problem.ts';
import type { SdlProblem } from './types.ts';

const texts = list(text());
const textsOrNull = nullable(list(text(), 'a list of texts'));
const port = whole(1, 65_535);

const NEXT_CASES = ['error', 'timeout', '500', '502', '503', '504', '403', '404', '429', 'off'];

/** `off` stands alone. */
const offAlone: Check = (tree, path, report) => {
  if (tree.kind !== 'list' || tree.items.length < 2) return;
  if (!tree.items.some(one => one.kind === 'text' && one.value === 'off')) return;
  report.add(path, tree.at, 'off and other cases', 'off alone, or cases without off');
};

const httpOptions = record({
  max_body_size: whole(0, 104_857_600),
  next_cases: all(list(word(NEXT_CASES)), offAlone),
  next_timeout: whole(0, MAX_UINT32),
  next_tries: whole(0, MAX_UINT32),
  proxy_buffer_size: whole(0, 1_048_576),
  read_timeout: whole(0, 60_000),
  send_timeout: whole(0, 60_000),
});

/** A leased IP is for the outside only. */
const ipIsGlobal: Check = (tree, path, report) => {
  const ip = property(tree, 'ip');
  if (ip?.kind !== 'text' || ip.value === '') return;
  const global = property(tree, 'global');
  if (global === null) report.add(path, tree.at, 'an IP without "global"', 'global: true with it');
  else if (!isTrue(global)) report.add([...path, 'global'], global.at, described(global), 'true, as there is an IP');
};

const expose = record(
  {
    accept: texts,
    as: port,
    http_options: httpOptions,
    port,
    proto: word(['TCP', 'UDP', 'tcp', 'udp']),
    to: list(all(record({ global: bool, ip: text({ least: 1 }), service: text() }), ipIsGlobal)),
  },
  ['port'],
);

const params = record({
  storage: map(record({ mount: text({ pattern: /^\//, what: 'an absolute path' }), readOnly: bool })),
  permissions: record({ read: list(word(['deployment', 'logs', 'events'])) }),
  tee: word(['cpu', 'cpu-gpu']),
});

const credentials = record(
  {
    email: text({ least: 5, what: 'an e-mail address' }),
    host: text({ least: 1 }),
    password: text({ least: 6, what: 'a password', secret: true }),
    username: text({ least: 1 }),
  },
  ['host', 'username', 'password'],
);

const service = record(
  {
    args: textsOrNull,
    command: textsOrNull,
    credentials,
    dependencies: list(record({ service: text() })),
    env: textsOrNull,
    expose: nullable(list(expose)),
    image: text({ least: 1 }),
    params,
  },
  ['image'],
);

/** Any map, but without dates. */
const attributes: Check = (tree, path, report) => {
  map(() => {})(tree, path, report);
  refuseDates(tree, path, report);
};

function refuseDates(tree: Tree, path: readonly Step[], report: Report): void {
  if (tree.kind === 'date') {
    if (path.length > 0) report.add(path, tree.at, described(tree), 'a text: put it in quotes');
  } else if (tree.kind === 'list') {
    tree.items.forEach((one, i) => void refuseDates(one, [...path, i], report));
  } else if (tree.kind === 'map') {
    for (const [key, { value }] of tree.entries) refuseDates(value, [...path, key], report);
  }
}

const cpuUnits: Check = (tree, path, report) => {
  const expected = 'a positive number of processors such as 0.5, 2 or "500m"';
  const fits =
    tree.kind === 'number'
      ? isPositive(tree)
      : tree.kind === 'text' && /^[0-9]+(\.[0-9]+)?[a-zA-Z]*$/.test(tree.value) && !/^0+(\.0+)?m?$/.test(tree.value);
  if (!fits) report.add(path, tree.at, described(tree), expected);
};

const gpuUnits: Check = (tree, path, report) => {
  const fits = tree.kind === 'text' || (tree.kind === 'number' && tree.value !== null);
  if (!fits) report.add(path, tree.at, described(tree), 'a number of graphics cards');
};

/** Cards need attributes, attributes need cards. */
const gpuAgrees: Check = (tree, path, report) => {
  if (tree.kind !== 'map') return;
  const units = property(tree, 'units');
  const some =
    units?.kind === 'number' ? isPositive(units) : units?.kind === 'text' && !/^0+(\.0+)?$/.test(units.value);
  const has = tree.entries.has('attributes');
  if (some && !has) report.add(path, tree.at, 'no "attributes"', 'them, as there are graphics cards');
  if (some || !has) return;
  if (units === null) report.add(path, tree.at, 'attributes without "units"', 'a positive number of units');
  else report.add([...path, 'units'], units.at, described(units), 'a positive number, as there are attributes');
};

const gpuModel = record({ interface: word(['pcie', 'sxm']), model: text(), ram: text() });

/** One vendor at least, of which there is one. */
const vendor: Check = (tree, path, report) => {
  record({ nvidia: nullable(list(gpuModel)) })(tree, path, report);
  if (tree.kind === 'map' && tree.entries.size === 0) report.add(path, tree.at, 'an empty map', 'a vendor: nvidia');
};

const gpu = all(record({ attributes: record({ vendor }), units: gpuUnits }), gpuAgrees);

const PERSISTENT_CLASSES = ['beta1', 'beta2', 'beta3', 'default'];

/** RAM forgets, and the named classes do not. */
const classAgrees: Check = (tree, path, report) => {
  const name = property(tree, 'class');
  const persistent = property(tree, 'persistent');
  if (name?.kind !== 'text') return;
  const isPersistent = persistent !== null && (isTrue(persistent) || isWord(persistent, 'true'));
  if (name.value === 'ram' && isPersistent)
    report.add(path, tree.at, 'persistent RAM', 'persistent: false for class ram');
  if (!PERSISTENT_CLASSES.includes(name.value) || isPersistent || persistent === null) return;
  report.add([...path, 'persistent'], persistent.at, described(persistent), `true, as the class is ${name.value}`);
};

const persistent: Check = (tree, path, report) => {
  if (tree.kind !== 'boolean') text({ what: 'true or false' })(tree, path, report);
};

const volume = record(
  {
    attributes: all(record({ class: text(), persistent }, ['class', 'persistent']), classAgrees),
    name: text(),
    size: text({ what: 'a text with a size such as 512Mi' }),
  },
  ['size'],
);

/** One volume or a list of them. */
const storage: Check = (tree, path, report) => {
  if (tree.kind === 'list') list(volume)(tree, path, report);
  else volume(tree, path, report);
};

const compute = record(
  {
    resources: record(
      {
        cpu: record({ attributes, units: cpuUnits }, ['units']),
        gpu,
        memory: record({ size: text({ what: 'a text with a size such as 512Mi' }) }, ['size']),
        storage,
      },
      ['cpu', 'memory', 'storage'],
    ),
  },
  ['resources'],
);

const amount: Check = (tree, path, report) => {
  const fits =
    tree.kind === 'number'
      ? tree.value !== null && (!tree.value.negative || tree.value.mantissa === 0n)
      : tree.kind === 'text' && /^[0-9]+(\.[0-9]+)?$/.test(tree.value);
  if (!fits) report.add(path, tree.at, described(tree), 'a number that is not negative');
};

const placement = record(
  {
    attributes,
    pricing: map(record({ amount, denom: word(['uakt', 'uact']) }, ['denom', 'amount'])),
    signedBy: record({ allOf: texts, anyOf: texts }),
  },
  ['pricing'],
);

const sdl = record(
  {
    version: word(['2.0', '2.1']),
    include: texts,
    services: map(service),
    profiles: record({ compute: map(compute), placement: map(placement) }, ['compute', 'placement']),
    deployment: map(map(record({ count: whole(1, MAX_UINT32), profile: text() }, ['profile', 'count']))),
    endpoints: named(
      /^[a-z]+[-_0-9a-z]+$/,
      'a small letter, then one or more small letters, digits, - or _',
      record({ kind: word(['ip']) }, ['kind']),
    ),
    reclamation: record(
      { min_window: text({ pattern: /^[1-9][0-9]*(s|m|h)$/, what: 'a whole number and s, m or h, such as 24h' }) },
      ['min_window'],
    ),
  },
  ['version', 'services', 'profiles', 'deployment'],
);

/** Everything in which a document is not an SDL file, in the order of the schema; empty: nothing. */
export function checkSchema(document: SdlDocument, report: Report): readonly SdlProblem[] {
  sdl(document.root, [], report);
  return report.problems;
}

function property(tree: Tree, name: string): Tree | null {
  return tree.kind === 'map' ? (tree.entries.get(name)?.value ?? null) : null;
}

function isTrue(tree: Tree): boolean {
  return tree.kind === 'boolean' && tree.value;
}

function isWord(tree: Tree, value: string): boolean {
  return tree.kind === 'text' && tree.value === value;
}

function isPositive(tree: Tree): boolean {
  return tree.kind === 'number' && tree.value !== null && !tree.value.negative && tree.value.mantissa > 0n;
}
