/**
 * What may not stand in code whose runs must be the same everywhere (section "Determinism" of the design). The rules are
 * functions of texts and paths, so that a doctored text shows that they bite.
 *
 * They hold words, not meanings: what they cannot see (a clock reached through two aliases, say) the simulated world's
 * traps see at run time.
 */

import { freeGlobals } from './free-globals.ts';
import type { Objection, SourceFile } from './source-tree.ts';
import { type Token, tokenise } from './tokens.ts';

/** Names that no file may have in any sense, neither as a value nor as a type. */
const BANNED_NAMES: Readonly<Record<string, string>> = {
  ...all('time comes with each input', 'Date Temporal'),
  ...all(
    'effects answer with inputs, there is nothing to wait for',
    'Promise PromiseLike AsyncIterable AsyncGenerator',
  ),
  ...all('timers are effects', 'setTimeout setInterval setImmediate queueMicrotask requestAnimationFrame'),
  ...all('compare bytes, not locales', 'Intl localeCompare'),
  ...all('when memory is reclaimed is not part of a run', 'WeakRef FinalizationRegistry'),
  ...all('code is not made at run time', 'eval'),
};

/** Globals that no file may use; their names are good names for other things. */
const BANNED_GLOBALS: Readonly<Record<string, string>> = {
  ...all('it knows the machine', 'process performance navigator Buffer require'),
  ...all('randomness comes from streams', 'crypto'),
  ...all('what comes from outside comes as an input', 'fetch window self document XMLHttpRequest WebSocket'),
  ...all('every global is reached through it', 'globalThis global'),
  ...all('observe is the effect for it', 'console'),
  ...all('code is not made at run time', 'Function'),
  ...all('threads share nothing', 'SharedArrayBuffer Atomics Worker'),
};

/** Who may use a banned global after all, and why. */
const EXEMPT: readonly { readonly path: string; readonly global: string; readonly because: string }[] = [
  { path: 'src/worlds/simulated/guard.ts', global: 'globalThis', because: 'it sets the traps on the globals' },
  { path: 'src/worlds/simulated/guard.ts', global: 'Math', because: 'it sets the trap on Math.random' },
];

/** What of Math gives whole numbers for whole numbers, exactly and on every engine. */
const WHOLE_MATHS = ['abs', 'ceil', 'clz32', 'floor', 'imul', 'max', 'min', 'sign', 'trunc'];

/** Ways to a fraction that have a name. */
const FRACTIONS = ['parseFloat', 'Float16Array', 'Float32Array', 'Float64Array', 'EPSILON', 'toFixed', 'toPrecision'];

/**
 * Divisors of `protocol` that neither stand in Math.floor, ceil or trunc nor are bigint literals or BigInt(x). Text cannot tell the
 * division of bigints from that of numbers, so whoever divides says here why nothing is left behind the point.
 */
const WHOLE_DIVISIONS: Readonly<Record<string, Readonly<Record<string, 'bigint' | 'exact' | 'bound'>>>> = {
  'src/protocol/codec/bytes.ts': { TWO_28: 'exact', '128': 'exact' },
  'src/protocol/codec/merkle.ts': { '2': 'exact' },
  'src/protocol/codec/record-pool.ts': { this: 'exact' },
  'src/protocol/codec/state-tree.ts': { '8': 'bound' },
  'src/protocol/ledger/money.ts': { PICO_US_PER_MICRO: 'bigint', PPM_BIG: 'bigint', whole: 'bigint', total: 'bigint' },
  'src/protocol/market/reputation.ts': { '2': 'exact' },
  'src/protocol/market/settlement.ts': { price: 'bigint' },
  'src/protocol/stake/election.ts': { MICRO_PER_AKASH: 'bigint' },
  'src/protocol/stake/inflation.ts': { PPM_US_PER_YEAR: 'bigint' },
  'src/protocol/stake/rewards.ts': { total: 'bigint', candidate: 'bigint', REWARD_SCALE: 'bigint' },
};

/** `names` apart by spaces, each with the same reason. */
function all(reason: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map(name => [name, reason]));
}

/** What in a file could make two runs differ. */
export async function determinismObjections(file: SourceFile): Promise<Objection[]> {
  const tokens = tokenise(file.text);
  const objections = tokens.flatMap((token, i) => {
    const what = wordFault(tokens, i, isExempt(file.path, 'Math'));
    return what === null ? [] : [{ path: file.path, line: token.line, what }];
  });
  for (const { name, line } of await freeGlobals(file.text, Object.keys(BANNED_GLOBALS))) {
    if (isExempt(file.path, name)) continue;
    objections.push({ path: file.path, line, what: `the global ${name}: ${BANNED_GLOBALS[name]}` });
  }
  return objections;
}

function isExempt(path: string, global: string): boolean {
  return EXEMPT.some(one => one.path === path && one.global === global);
}

/** Uses of what only Node.js has as a global, in a file that should run in a browser too. */
export async function nodeGlobalObjections(file: SourceFile): Promise<Objection[]> {
  const names = ['process', 'Buffer', 'require', 'global', '__dirname', '__filename', 'setImmediate'];
  const found = await freeGlobals(file.text, names);
  return found.map(({ name, line }) => ({ path: file.path, line, what: `the global ${name} is Node's alone` }));
}

function wordFault(tokens: readonly Token[], i: number, mayTouchMath: boolean): string | null {
  const { kind, text } = tokens[i]!;
  const before = tokens[i - 1]?.text;
  const after = tokens[i + 1]?.text;
  if (kind === 'text') {
    // obj['sort'] is obj.sort.
    const isMember = before === '[' && after === ']';
    return isMember && ['sort', 'toSorted', 'localeCompare', 'random'].includes(text) ? `found ['${text}']` : null;
  }
  if (kind !== 'name') return null;
  const isMember = before === '.' || before === '?.';
  if (Object.hasOwn(BANNED_NAMES, text)) return `${text}: ${BANNED_NAMES[text]}`;
  if (text.startsWith('toLocale')) return `${text}: compare and print bytes, not locales`;
  if ((text === 'async' || text === 'await') && !isMember && after !== ':')
    return `${text}: an input runs to completion`;
  if (['then', 'catch', 'finally'].includes(text) && isMember) return `.${text}: promises have no place here`;
  if (text === 'import' && (after === '(' || after === '.')) return `import${after}: modules are loaded before a run`;
  if (text === 'Math' && !isMember && !mayTouchMath) {
    if (after !== '.') return 'Math without the name of a function';
    if (tokens[i + 2]?.text === 'random') return 'Math.random: randomness comes from streams';
  }
  if ((text === 'sort' || text === 'toSorted') && isMember && isBareCall(tokens, i))
    return `${text}() has no comparator`;
  return null;
}

/** `.sort()`, `.sort?.()`, and also `.sort` as a value, which is one call away. */
function isBareCall(tokens: readonly Token[], i: number): boolean {
  const open = tokens[i + 1]?.text === '?.' ? i + 2 : i + 1;
  if (tokens[open]?.text !== '(') return true;
  return tokens[open + 1]?.text === ')' || tokens[open + 1]?.text === 'undefined';
}

/**
 * What in a file of `protocol` could be a number with something behind the point.
 * @param whole divisors that are known to leave nothing
 */
export function fractionObjections(
  file: SourceFile,
  whole: Readonly<Record<string, string>> = WHOLE_DIVISIONS[file.path] ?? {},
): Objection[] {
  const tokens = tokenise(file.text);
  const calls: string[] = [];
  const objections: Objection[] = [];
  tokens.forEach(({ kind, text, line }, i) => {
    const object = (what: string): void => void objections.push({ path: file.path, line, what });
    if (kind === 'punctuator') {
      if (['(', '[', '{', '${'].includes(text)) calls.push(text === '(' ? calleeBefore(tokens, i) : text);
      if ([')', ']', '}'].includes(text)) calls.pop();
      if ((text === '/' || text === '/=') && !isWhole(tokens, i, text, calls.at(-1), whole)) {
        object(`a division by ${tokens[i + 1]?.text}: round it, or say in WHOLE_DIVISIONS why it leaves nothing`);
      }
    } else if (kind === 'number') {
      if (!/^0[xXbBoO]/.test(text) && !text.endsWith('n') && (text.includes('.') || !isWholeLiteral(text))) {
        object(`the number ${text} is no whole one`);
      }
    } else if (kind === 'name') {
      if (FRACTIONS.includes(text) || /^[gs]etFloat\d\d$/.test(text)) object(`${text} makes fractions`);
      if (text === 'Math' && tokens[i + 1]?.text === '.') {
        const name = tokens[i + 2]?.text ?? '';
        if (!WHOLE_MATHS.includes(name)) object(`Math.${name}, expected one of ${WHOLE_MATHS.join(', ')}`);
      }
    }
  });
  return objections;
}

function isWholeLiteral(text: string): boolean {
  return Number.isSafeInteger(Number(text.replaceAll('_', '')));
}

function isWhole(
  tokens: readonly Token[],
  i: number,
  operator: string,
  call: string | undefined,
  whole: Readonly<Record<string, string>>,
): boolean {
  if (operator === '/' && call !== undefined && ['Math.floor', 'Math.ceil', 'Math.trunc'].includes(call)) return true;
  // BigInt(x) is one as surely as a literal.
  if (tokens[i + 1]?.text === 'BigInt' && tokens[i + 2]?.text === '(') return true;
  const literals = [tokens[i - 1], tokens[i + 1]].filter(one => one?.kind === 'number');
  return literals.some(one => one!.text.endsWith('n')) || Object.hasOwn(whole, tokens[i + 1]?.text ?? '');
}

/** `Math.floor` of `Math.floor(`; empty for parentheses that call nothing of a global. */
function calleeBefore(tokens: readonly Token[], i: number): string {
  return tokens[i - 2]?.text === '.' ? `${tokens[i - 3]?.text}.${tokens[i - 1]?.text}` : '';
}

/** Entries of the lists above that nothing needs any more. */
export async function needlessExceptions(files: readonly SourceFile[]): Promise<string[]> {
  const needless: string[] = [];
  for (const { path, global } of EXEMPT) {
    const file = files.find(one => one.path === path);
    const used = file === undefined ? [] : await freeGlobals(file.text, [global]);
    if (used.length === 0) needless.push(`${path} no longer uses ${global}`);
  }
  for (const [path, divisors] of Object.entries(WHOLE_DIVISIONS)) {
    const file = files.find(one => one.path === path);
    const divisions = file === undefined ? [] : fractionObjections(file, {});
    for (const divisor of Object.keys(divisors)) {
      const needed = divisions.some(one => one.what.startsWith(`a division by ${divisor}:`));
      if (!needed) needless.push(`${path} no longer divides by ${divisor} without rounding`);
    }
  }
  return needless;
}
