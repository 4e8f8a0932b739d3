/**
 * Cuts TypeScript into tokens, so that the rules of this folder speak about code and never about comments, texts or
 * regular expressions. It knows the lexical grammar only: that is enough to see names, numbers, calls and imports, and
 * needs no compiler (that of this project has no programming interface).
 *
 * The one place where the grammar of the language shines through is `/`, which divides after a value and opens a regular
 * expression elsewhere; see `endsValue`.
 */

export type TokenKind = 'name' | 'number' | 'text' | 'regex' | 'punctuator';

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a text what stands between its quotes, of a template the raw part between its expressions. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

const SPACE = /\s+/y;
const LINE_COMMENT = /\/\/[^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y;
const NAME = /[#@]?[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER =
  /(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)n?/y;
const TEXT = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEX = /\/(?:[^/\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+\/[\p{ID_Continue}$]*/uy;
const PUNCTUATOR =
  /\?\?=|\?\?|\?\.(?!\d)|\.\.\.|=>|===|!==|==|!=|<=|\*\*=|\*\*|&&=|\|\|=|&&|\|\||\+\+|--|[-+*/%&|^]=|<<=|<<|[{}()[\];,<>+\-*/%&|^!~?:=.]/y;

/** Words after which a value begins, so that `/` opens a regular expression. */
const OPERATOR_WORDS = new Set(
  'await case delete do else extends in instanceof new of return throw typeof void yield'.split(' '),
);

/**
 * The tokens of a source text.
 * @throws Error that names the line where no token begins, or where one does not end
 */
export function tokenise(source: string): Token[] {
  const tokens: Token[] = [];
  /** For each open brace, whether it belongs to a template's `${`. */
  const braces: boolean[] = [];
  let at = 0;
  let line = 1;

  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0] ?? null;
  };
  const push = (kind: TokenKind, text: string, length: number): void => {
    tokens.push({ kind, text, line });
    for (let i = at; i < at + length; i++) if (source.charCodeAt(i) === 10) line++;
    at += length;
  };
  const skip = (text: string): void => {
    for (const one of text) if (one === '\n') line++;
    at += text.length;
  };
  /** From behind a backtick or the brace that ends an expression, to the next `${` or the closing backtick. */
  const template = (): void => {
    let end = at + 1;
    while (source[end] !== '`' && !(source[end] === '$' && source[end + 1] === '{')) {
      if (end >= source.length) throw new Error(`line ${line}: a template that does not end`);
      end += source[end] === '\\' ? 2 : 1;
    }
    const opens = source[end] === '$';
    push('text', source.slice(at + 1, end), end + 1 - at);
    if (!opens) return;
    // The expression stands in parentheses of its own as far as the rules are concerned.
    tokens.push({ kind: 'punctuator', text: '${', line });
    at++;
    braces.push(true);
  };

  if (source.startsWith('#!')) at = source.indexOf('\n');
  while (at < source.length) {
    const ignored = match(SPACE) ?? match(LINE_COMMENT) ?? match(BLOCK_COMMENT);
    if (ignored !== null) {
      skip(ignored);
      continue;
    }
    if (source.startsWith('/*', at)) throw new Error(`line ${line}: a comment that does not end`);
    const first = source[at]!;
    if (first === '`') {
      template();
      continue;
    }
    if (first === '{') braces.push(false);
    if (first === '}' && braces.pop() === true) {
      tokens.push({ kind: 'punctuator', text: '}', line });
      template();
      continue;
    }
    const regex = first === '/' && !endsValue(tokens) ? match(REGEX) : null;
    if (regex !== null) {
      push('regex', regex, regex.length);
      continue;
    }
    const name = match(NAME);
    const number = name === null ? match(NUMBER) : null;
    const text = match(TEXT);
    const punctuator = match(PUNCTUATOR);
    if (name !== null) push('name', name, name.length);
    else if (number !== null) push('number', number, number.length);
    else if (text !== null) push('text', text.slice(1, -1), text.length);
    else if (punctuator !== null) push('punctuator', punctuator, punctuator.length);
    else throw new Error(`line ${line}: found ${JSON.stringify(source.slice(at, at + 20))}, expected a token`);
  }
  return tokens;
}

/** Whether what stands so far ends in a value, so that a `/` divides it. */
function endsValue(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  if (last === undefined) return false;
  if (last.kind !== 'punctuator') return last.kind !== 'name' || !OPERATOR_WORDS.has(last.text);
  // `a! / b` asserts, `!/b/` negates.
  if (last.text === '!') return endsValue(tokens.slice(-2, -1));
  return [')', ']', '}', '++', '--'].includes(last.text);
}

/** Stands for the name of a module that is made at run time. */
export const COMPUTED = '(computed)';

export interface Import {
  /** As written, or COMPUTED. */
  readonly specifier: string;
  /** Whether it vanishes with the types. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What a source imports and exports from elsewhere, in the order of the text. */
export function importsOf(source: string): Import[] {
  const tokens = tokenise(source);
  const found: Import[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const { kind, text, line } = tokens[i]!;
    if (kind !== 'name' || tokens[i - 1]?.text === '.') continue;
    const next = tokens[i + 1];
    if ((text === 'import' || text === 'require') && next?.text === '(') {
      const argument = tokens[i + 2];
      const plain = argument?.kind === 'text' && tokens[i + 3]?.text !== '${';
      // `import('x')` behind a colon or an angle bracket is a type, anywhere else it loads; both count as loading.
      found.push({ specifier: plain ? argument.text : COMPUTED, typeOnly: false, line });
    } else if (text === 'import' && next?.kind === 'text') {
      found.push({ specifier: next.text, typeOnly: false, line });
    } else if (text === 'import' || text === 'export') {
      const from = clauseEnd(tokens, i + 1);
      if (from === null) continue;
      found.push({ specifier: tokens[from + 1]!.text, typeOnly: isTypeOnly(tokens.slice(i + 1, from)), line });
    }
  }
  return found;
}

/** Where the `from` of an import or export clause stands that begins at `i`; null when none does. */
function clauseEnd(tokens: readonly Token[], i: number): number | null {
  for (let depth = 0; i < tokens.length; i++) {
    const { kind, text } = tokens[i]!;
    if (text === '{' && kind === 'punctuator') depth++;
    else if (text === '}' && kind === 'punctuator') depth--;
    else if (text === 'from' && depth === 0 && tokens[i + 1]?.kind === 'text') return i;
    // A clause is made of names, commas, stars and one pair of braces. All else is a declaration.
    else if (kind !== 'name' && text !== ',' && text !== '*') return null;
    if (depth === 0 && ['const', 'let', 'function', 'class', 'interface', 'default'].includes(text)) return null;
  }
  return null;
}

function isTypeOnly(clause: readonly Token[]): boolean {
  if (clause[0]?.text === 'type' && clause[1]?.text !== ',' && clause.length > 1) return true;
  if (clause[0]?.text !== '{') return false;
  const names = clause.slice(1, -1);
  const starts = names.filter((_, i) => i === 0 || names[i - 1]!.text === ',');
  return starts.length > 0 && starts.every(one => one.text === 'type');
}
