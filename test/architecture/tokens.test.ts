/** The tokenizer under the architecture tests: if it misread a file, their rules would be blind there. */

import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { ROOT, sourceFiles } from './source-tree.ts';
import { COMPUTED, importsOf, tokenise } from './tokens.ts';

function written(source: string): string {
  return tokenise(source)
    .filter(one => one.kind !== 'text')
    .map(one => one.text)
    .join(' ');
}

describe('tokenise', () => {
  it.each([
    ['comments vanish', 'a // Date\n/* Date * / */ b', 'a b'],
    ['texts vanish', `a('Date', "it's \\" Date")`, 'a ( , )'],
    ['a quote in a regular expression opens no text', `x.replace(/'/g, y); Date`, `x . replace ( /'/g , y ) ; Date`],
    ['a slash in a class ends no regular expression', 'f(/[/"]/); b', 'f ( /[/"]/ ) ; b'],
    ['a slash after a value divides', 'a / b / c', 'a / b / c'],
    ['a slash after parentheses divides', '(a) / b[0] / 2', '( a ) / b [ 0 ] / 2'],
    ['a slash after an assertion divides', 'a! / b / c', 'a ! / b / c'],
    ['a slash after a word of the language opens', 'return /a"b/', 'return /a"b/'],
    ['a template is text', 'a(`Date ${b.c} Date ${`in ${d} Date`} \\` Date`)', 'a ( ${ b . c } ${ ${ d } } )'],
    ['an object in a template', '`${f({ a: 1 })} Date`', '${ f ( { a : 1 } ) }'],
    ['optional chains', 'a?.b ?? c?.5:d', 'a ?. b ?? c ? .5 : d'],
    ['numbers', '0x1e5 + 1_000.5e-3 - 12n * .5', '0x1e5 + 1_000.5e-3 - 12n * .5'],
    ['private names', 'this.#process', 'this . #process'],
  ])('%s', (_, source, expected) => {
    expect(written(source)).toBe(expected);
  });

  it('counts lines through comments, texts and templates', () => {
    const tokens = tokenise("/*\n*/ a 'x\\\ny' b `\n${c}\n` // d\ne");
    expect(tokens.filter(one => one.kind === 'name').map(one => [one.text, one.line])).toEqual([
      ['a', 2],
      ['b', 3],
      ['c', 4],
      ['e', 6],
    ]);
  });

  it.each([
    ["'abc", 'line 1'],
    ['\n`abc', 'line 2'],
    ['\n\n/* abc', 'line 3'],
  ])('refuses what does not end: %j', (source, place) => {
    expect(() => tokenise(source)).toThrow(place);
  });
});

describe('importsOf', () => {
  it.each<[string, [string, boolean][]]>([
    ["import a from 'x'", [['x', false]]],
    ["import a, { b as c } from 'x'", [['x', false]]],
    ["import * as a from 'x'", [['x', false]]],
    ["import 'x'", [['x', false]]],
    ["import type { a } from 'x'", [['x', true]]],
    ["import { type a, type b as c } from 'x'", [['x', true]]],
    ["import { type a, b } from 'x'", [['x', false]]],
    ["import { a, type b } from 'x'", [['x', false]]],
    ["import type from 'x'", [['x', false]]],
    [
      "export { a } from 'x'; export * from 'y'",
      [
        ['x', false],
        ['y', false],
      ],
    ],
    ["export type { a } from 'x'", [['x', true]]],
    ["export const from = 'x'; export function f() { return 'y'; }", []],
    ["export { a };\nimport b from 'x'", [['x', false]]],
    [
      "const a = await import('x'); type B = import('y').B",
      [
        ['x', false],
        ['y', false],
      ],
    ],
    [
      'import(name); import(`a${b}`)',
      [
        [COMPUTED, false],
        [COMPUTED, false],
      ],
    ],
    ["// import a from 'x'\nconst s = \"import a from 'y'\"", []],
    ["a.import('x'); Array.from('y')", []],
  ])('%s', (source, expected) => {
    expect(importsOf(source).map(one => [one.specifier, one.typeOnly])).toEqual(expected);
  });

  it('sees every import that the bundler sees, in every file', async () => {
    const files = sourceFiles();
    const { metafile } = await build({
      absWorkingDir: ROOT,
      // One entry that imports them all: of many entries each would be bundled with all that it reaches.
      stdin: { contents: files.map(file => `import './${file.path}';`).join('\n'), resolveDir: ROOT },
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'silent',
    });
    let compared = 0;
    for (const file of files) {
      const bundled = metafile.inputs[file.path]!.imports.map(one => one.original ?? one.path);
      const seen = importsOf(file.text).filter(one => one.specifier !== COMPUTED);
      expect(
        seen.map(one => one.specifier),
        file.path,
      ).toEqual(expect.arrayContaining(bundled));
      compared += bundled.length;
    }
    expect(compared).toBeGreaterThan(files.length);
  });
});
