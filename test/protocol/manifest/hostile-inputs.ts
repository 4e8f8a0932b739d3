/**
 * Files that are made to cost their reader time or memory, and what the reader has to say about each.
 *
 * They come in two kinds: those that go far beyond a bound, and those that stay just below it and cost as much as the
 * reader ever spends. `says` is matched against the first problem, or is `ok` for a file that is fine.
 */

export interface Hostile {
  readonly make: () => Uint8Array | string;
  readonly says: RegExp | 'ok';
}

const KIB = 1024;
const LARGEST = 256 * KIB;
const many = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('');

/** A whole SDL file with the given lines of services, of their deployment, and of further placements. */
function sdl(services: string, deployment: string, placements = ''): string {
  return `version: "2.0"
services:
${services}profiles:
  compute:
    p: {resources: {cpu: {units: 1}, memory: {size: 1Gi}, storage: {size: 1Gi}}}
  placement:
    a: &a {pricing: {p: {denom: uakt, amount: 1}}}
${placements}deployment:
${deployment}`;
}

const service = (i: number): string => `  s${i}: {image: x}\n`;
const deployed = (i: number): string => `  s${i}: {a: {profile: p, count: 1}}\n`;
const DEEP = /nested too deeply, expected at most 100 levels/;
const LARGE = /bytes, expected a file of at most 262,144 bytes/;
const LONG = /more than 40,000 words and signs/;
const REPEATED = /aliases that repeat too much/;

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'fifty megabytes': { make: () => new Uint8Array(50_000_000).fill(0x61), says: LARGE },
  'fifty megabytes of text': { make: () => 'a: b\n'.repeat(10_000_000), says: LARGE },
  'one byte too many': { make: () => `a: ${'b'.repeat(LARGEST - 2)}`, says: LARGE },
  'bytes too many in few characters': { make: () => `a: ${'\u{1f600}'.repeat(LARGEST / 4)}`, says: LARGE },
  'a hundred thousand services': { make: () => sdl(many(100_000, service), many(100_000, deployed)), says: LARGE },
  'services by alias': {
    make: () => sdl(`  x: &x {image: x}\n${many(12_000, i => `  s${i}: *x\n`)}`, many(100, deployed)),
    says: LONG,
  },
  'an alias bomb': {
    make: () => {
      const names = Array.from('abcdefghijklmnop');
      const list = (of: string): string => `[${Array(10).fill(of).join(', ')}]`;
      return names.map((name, i) => `${name}: &${name} ${list(i === 0 ? 'x' : `*${names[i - 1]}`)}\n`).join('');
    },
    says: REPEATED,
  },
  'an alias bomb of maps in flow style': {
    make: () => {
      const level = (i: number): string => `&a${i} {${many(9, j => `k${j}: *a${i - 1}, `)}}`;
      return `[&a0 {k: v}, ${many(12, i => `${level(i + 1)}, `)}]`;
    },
    says: REPEATED,
  },
  'a long text by alias': { make: () => `- &a ${'x'.repeat(100 * KIB)}\n${'- *a\n'.repeat(1_000)}`, says: REPEATED },
  'a bomb of merge keys': {
    make: () => `a: &a {${many(2_000, i => `k${i}: 1, `)}}\n${many(100, i => `b${i}: {<<: *a}\n`)}`,
    says: REPEATED,
  },
  'an alias within itself': {
    make: () => 'a: &a [*a]',
    says: /alias \*a, expected an anchor of that name that ends before/,
  },
  'nested flow lists': { make: () => '['.repeat(LARGEST - 16), says: DEEP },
  'nested flow maps': { make: () => '{a: '.repeat(60_000), says: DEEP },
  'nested block lists': { make: () => '- '.repeat(130_000), says: DEEP },
  'nested block maps': { make: () => many(700, i => `${' '.repeat(i)}a:\n`), says: DEEP },
  'nested keys': { make: () => '? '.repeat(130_000), says: DEEP },
  'nested empty keys': { make: () => ': '.repeat(100_000), says: DEEP },
  'one level too many': { make: () => `${'['.repeat(101)}${']'.repeat(101)}`, says: DEEP },
  'nesting by alias': {
    make: () => `- &a0 []\n${many(3_000, i => `- &a${i + 1} [*a${i}]\n`)}`,
    says: REPEATED,
  },
  'documents without end': { make: () => '---\n'.repeat(60_000), says: /a second document/ },
  'directives without end': { make: () => `${'%A\n'.repeat(80_000)}---\na: 1`, says: LONG },
  'comments without end': { make: () => '#\n'.repeat(130_000), says: LONG },
  'nothing but lines': { make: () => '\n'.repeat(LARGEST - 1), says: LONG },
  'one key again and again': { make: () => 'a: 1\n'.repeat(5_000), says: /the key "a" a second time/ },
  'quotes that are not closed': { make: () => `a: "${'\n'.repeat(60_000)}`, says: /Missing closing/ },
  'quotes that are not indented': { make: () => many(1_000, i => `k${i}: "a\nb"\n`), says: /Missing closing/ },
  'a long name of an alias': { make: () => '*'.repeat(200_000), says: /the alias \*/ },
  'numbers out of reach': { make: () => `[${'1e999999999999, '.repeat(9_000)}]`, says: /a list of 9000/ },
  'numbers of three hundred digits': { make: () => `[${'1.23456789e300, '.repeat(9_000)}]`, says: /a list of 9000/ },
  'the smallest numbers': { make: () => `[${'1.5e-323, '.repeat(9_000)}]`, says: /a list of 9000/ },
  'a number without end': { make: () => `a: ${'9'.repeat(LARGEST - 16)}`, says: /no "version"/ },
  'a hexadecimal number without end': { make: () => `a: 0x${'f'.repeat(LARGEST - 16)}`, says: /no "version"/ },
  'a folded text': { make: () => `a: >\n${' x\n\n'.repeat(50_000)}`, says: /no "version"/ },
  'a text over many lines': { make: () => `a:\n${' x\n'.repeat(80_000)}`, says: /no "version"/ },
  anchors: { make: () => `a:\n${'- &a x\n'.repeat(5_000)}`, says: /no "version"/ },
  tags: { make: () => `a:\n${'- !!str x\n'.repeat(5_000)}`, says: /no "version"/ },
  'problems without end': {
    make: () => sdl(`  s: {image: x, ${many(4_000, i => `u${i}: 1, `)}}\n`, deployed(0)),
    says: /the property "u0"/,
  },
  'as many services as go in': { make: () => sdl(many(900, service), many(900, deployed)), says: 'ok' },
  'a service on as many placements as go in': {
    make: () =>
      sdl(
        service(0),
        `  s0: {${many(1_200, i => `b${i}: {profile: p, count: 1}, `)}}\n`,
        many(1_200, i => `    b${i}: *a\n`),
      ),
    says: 'ok',
  },
  'a small file with a large manifest': {
    make: () =>
      sdl(
        `  s0: {image: x, expose: [${'{port: 1, to: [{service: s0}]}, '.repeat(700)}]}\n`,
        `  s0: {${many(500, i => `b${i}: {profile: p, count: 1}, `)}}\n`,
        many(500, i => `    b${i}: *a\n`),
      ),
    says: /a manifest of [0-9,]+ characters or more/,
  },
  'host names for everybody': {
    make: () =>
      sdl(
        `  s0: {image: x, expose: [{port: 1, accept: ["${'x'.repeat(100_000)}"], to: [${'{service: s0}, '.repeat(3_500)}]}]}\n`,
        deployed(0),
      ),
    says: /a manifest of [0-9,]+ characters or more/,
  },
};
