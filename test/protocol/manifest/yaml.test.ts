/** Reading YAML: what words mean, what is refused, and where things stand. */
import { describe, expect, test } from 'vitest';
import type { Tree } from '../../../src/protocol/manifest/document.ts';
import { find, locate, readDocument, scalarText } from '../../../src/protocol/manifest/document.ts';
import { problemText, Unreadable } from '../../../src/protocol/manifest/problem.ts';
import { plainScalar } from '../../../src/protocol/manifest/yaml-scalar.ts';

/** The tree as plain data; numbers and dates as their texts in a map. */
function plain(tree: Tree): unknown {
  switch (tree.kind) {
    case 'map':
      return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plain(value)]));
    case 'list':
      return tree.items.map(plain);
    case 'text':
      return tree.value;
    case 'null':
      return null;
    case 'boolean':
      return tree.value;
    case 'number':
      return { number: tree.text };
    case 'date':
      return { date: tree.source };
  }
}

const value = (text: string): unknown => plain(readDocument(text).root);

function unreadable(source: Uint8Array | string): string {
  try {
    readDocument(source);
  } catch (error) {
    if (error instanceof Unreadable) return error.message;
    throw error;
  }
  return expect.fail('accepted');
}

describe('what a plain word is', () => {
  test.each([
    ['0', '0'],
    ['-0', '0'],
    ['12', '12'],
    ['+12', '12'],
    ['-12', '-12'],
    ['010', '10'],
    ['0x10', '16'],
    ['-0x10', '-16'],
    ['0o17', '15'],
    ['0b101', '5'],
    ['1.50', '1.5'],
    ['5.', '5'],
    ['.5', '0.5'],
    ['1e3', '1000'],
    ['1.5E-3', '0.0015'],
    ['1e-7', '1e-7'],
    ['1e21', '1e+21'],
    ['123456789012345678', '123456789012345680'],
    ['.inf', 'Infinity'],
    ['-.INF', '-Infinity'],
    ['.nan', 'NaN'],
  ])('%s is a number', (source, text) => {
    expect(plainScalar(source)).toMatchObject({ kind: 'number', text });
  });

  test.each([
    '1_000',
    '-.5',
    '0o8',
    '0b2',
    '0x',
    '1e',
    '1e400',
    'e3',
    '.',
    '+.',
    '--1',
    '1.2.3',
    '1:30',
    '٣',
    '-.nan',
    '.Inf1',
  ])('%s is a text', source => expect(plainScalar(source)).toEqual({ kind: 'text', value: source }));

  test.each(['yes', 'no', 'on', 'off', 'y', 'tRUE', 'nUll', '<<', '=', 'none'])('%s is a text', source => {
    expect(plainScalar(source)).toEqual({ kind: 'text', value: source });
  });

  test.each(['true', 'True', 'TRUE'])('%s is true', source => {
    expect(plainScalar(source)).toEqual({ kind: 'boolean', value: true });
  });

  test.each(['false', 'False', 'FALSE'])('%s is false', source => {
    expect(plainScalar(source)).toEqual({ kind: 'boolean', value: false });
  });

  test.each(['', '~', 'null', 'Null', 'NULL'])('%j is nothing', source => {
    expect(plainScalar(source)).toEqual({ kind: 'null' });
  });

  test.each(['2024-01-01', '2024-1-1 1:00:00', '2024-01-01T00:00:00Z', '2024-01-01t00:00:00.5 +01:30'])(
    '%s is a date',
    source => {
      expect(plainScalar(source)).toEqual({ kind: 'date', source });
    },
  );

  test.each(['2024-1-1', '24-01-01', '2024-01-01T00', '2024-01-01-'])('%s is no date', source => {
    expect(plainScalar(source)).toEqual({ kind: 'text', value: source });
  });
});

describe('documents', () => {
  test('quotes, blocks and tags say what a value is', () => {
    expect(
      value('a: "1"\nb: \'true\'\nc: |\n  1\nd: !!str 1\ne: !!int "0x1f"\nf: !!float 2\ng: ! 5\nh: !!bool "true"\n'),
    ).toEqual({
      a: '1',
      b: 'true',
      c: '1\n',
      d: '1',
      e: { number: '31' },
      f: { number: '2' },
      g: '5',
      h: true,
    });
    expect(value('!!map {a: !!seq [!!null ~]}')).toEqual({ a: [null] });
    expect(value('a: 2024-01-01')).toEqual({ a: { date: '2024-01-01' } });
  });

  test('keys are texts, in one order', () => {
    const { root } = readDocument('b: 1\n10: 1\ntrue: 1\n~: 1\n9: 1\n0x1f: 1\nB: 1\n');
    expect(root.kind === 'map' && [...root.entries.keys()]).toEqual(['10', '31', '9', 'B', 'b', 'null', 'true']);
  });

  test('aliases stand for what they name, the latest of that name', () => {
    expect(value('a: &x 1\nb: *x\nc: &x {k: 2}\nd: *x')).toEqual({
      a: { number: '1' },
      b: { number: '1' },
      c: { k: { number: '2' } },
      d: { k: { number: '2' } },
    });
    expect(value('a: &x name\n*x : 1')).toEqual({ a: 'name', name: { number: '1' } });
  });

  test('merge keys add what is not there, whatever stands first', () => {
    const base = 'x: &x {a: "1", b: "1"}\ny: &y {b: "2", c: "2"}\n';
    expect(value(`${base}z:\n  b: "3"\n  <<: [*x, *y]\n`)).toMatchObject({ z: { a: '1', b: '3', c: '2' } });
    expect(value(`${base}z:\n  <<: *x\n  b: "3"\n  <<: *y\n`)).toMatchObject({ z: { a: '1', b: '3', c: '2' } });
    expect(value(`${base}z: {<<: []}`)).toMatchObject({ z: {} });
    expect(value('z: {"<<": 1}')).toEqual({ z: { '<<': { number: '1' } } });
  });

  test('a byte order mark, and every kind of line end', () => {
    expect(value('\ufeffa: b')).toEqual({ a: 'b' });
    expect(plain(readDocument(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0x3a, 0x20, 0x62)).root)).toEqual({ a: 'b' });
    expect(value('a: b\r\nc: d\re: f\n')).toEqual({ a: 'b', c: 'd', e: 'f' });
  });

  test('texts in quotes may go on without indentation', () => {
    expect(value('a:\n  - "b\nc\n\nd"\n  - \'it\'\'s\ne\'\n  - {k: "x\ny"}\nf: "1"')).toEqual({
      a: ['b c\nd', "it's e", { k: 'x y' }],
      f: '1',
    });
    expect(value('a: |\n  "b\n\nc: "d"')).toEqual({ a: '"b\n', c: 'd' });
  });

  test('one document, with its marks and directives', () => {
    expect(value('%YAML 1.2\n---\na: b\n...\n')).toEqual({ a: 'b' });
    expect(value('--- # comment\na: b')).toEqual({ a: 'b' });
  });

  test('as deep as they may be', () => {
    expect(value(`${'['.repeat(100)}${']'.repeat(100)}`)).toBeDefined();
  });
});

describe('what is refused', () => {
  test.each([
    ['an empty file', '', /an empty file/],
    ['nothing but comments', '# a\n\n', /an empty file/],
    ['a mark and nothing', '---\n', /an empty file/],
    ['two documents', 'a: 1\n---\nb: 2\n', /line 2, column 1: found a second document/],
    ['a tab in the indentation', 'a:\n\tb: 1\n', /line 2, column 1: found a tab in the indentation/],
    ['a NUL byte', 'a: 1\nb: x\0', /line 2, column 5: found a NUL byte/],
    ['a control character', 'a: 1\nb: x\x07y', /line 2, column 4: \/b: found the character U\+0007/],
    ['a control character in quotes', 'a: "x\x07"', /U\+0007/],
    ['a noncharacter', 'a: x\ufffe', /U\+FFFE/],
    ['half a surrogate pair', 'a: \ud800', /half of a surrogate pair/],
    ['a key twice', 'a: 1\nb:\n  c: 1\n  "c": 2\n', /line 4, column 3: \/b: found the key "c" a second time/],
    ['a number and its text as keys', '1: a\n"1": b\n', /the key "1" a second time/],
    ['a key after its merge twice', 'x: &x {a: 1}\ny: {<<: *x, a: 2, a: 3}', /the key "a" a second time/],
    ['a list as a key', '? [a]\n: 1\n', /a list as a key/],
    ['a map as a key', '{a: 1}: 1\n', /a map as a key/],
    ['a date as a key', '2024-01-01: 1\n', /the date 2024-01-01 as a key/],
    ['the key of all objects', '__proto__: 1\n', /the key "__proto__"/],
    ['a merge of a number', 'a: {<<: 1}', /a merge key \(<<\) with a number/],
    ['a merge of a list of numbers', 'a: {<<: [1]}', /a merge key \(<<\) with a number/],
    ['an unknown alias', 'a: *b', /line 1, column 4: \/a: found the alias \*b/],
    ['an alias within itself', 'a: &x {b: *x}', /the alias \*x/],
    ['an unknown tag', 'a: !foo 1', /the tag "!foo"/],
    ['a tag of a library', 'a: !!binary aGk=', /the tag "tag:yaml.org,2002:binary"/],
    ['a tag on a map', 'a: !!set {b}', /the tag "tag:yaml.org,2002:set"/],
    ['a tag that does not fit', 'a: !!int x', /"x" tagged as int/],
    ['an empty value that is no number', 'a: !!int', /"" tagged as int/],
    ['quotes that are not closed', 'a: "b\n', /Missing closing/],
    ['quotes around the mark of a document', 'a: "b\n---\nc"\n', /Missing closing/],
    ['brackets that are not closed', 'a: [b\n', /line/],
    ['two maps in a line', 'a: b: c\n', /Nested mappings/],
  ])('%s', (_, source, message) => expect(unreadable(source)).toMatch(message));

  test('bytes that are not UTF-8, with their line', () => {
    expect(unreadable(Uint8Array.of(0x61, 0x3a, 0x0a, 0x20, 0xc3, 0x28))).toMatch(
      /^line 2, column 1: found bytes that are not UTF-8/,
    );
    expect(unreadable(Uint8Array.of(0xff, 0xfe, 0x61, 0))).toMatch(/found UTF-16/);
  });
});

describe('places', () => {
  const text = '# first\na:\n  - b: 1\n    c: |\n      x\n      y\n  - d: "e"\nf: {g: 2}\n';
  const document = readDocument(text);
  const place = (...path: (string | number)[]): number[] => {
    const { line, column } = document.position(locate(document.root, path));
    return [line, column];
  };

  test('values', () => {
    expect(place('a')).toEqual([3, 3]);
    expect(place('a', 0, 'b')).toEqual([3, 8]);
    expect(place('a', 1, 'd')).toEqual([7, 8]);
    expect(place('f', 'g')).toEqual([8, 8]);
    expect(find(document.root, ['a', 1, 'd'])).toMatchObject({ kind: 'text', value: 'e' });
    expect(find(document.root, ['a', 2, 'd'])).toBeNull();
  });

  test('what is not there is at the key around it', () => {
    expect(place('f', 'x')).toEqual([8, 1]);
    expect(place('a', 7)).toEqual([2, 1]);
    expect(place('x')).toEqual([2, 1]);
  });

  test('in words', () => {
    expect(problemText({ path: '/a', line: 1, column: 2, message: 'found x, expected y' })).toBe(
      'line 1, column 2: /a: found x, expected y',
    );
    expect(problemText({ path: '', line: 0, column: 0, message: 'found x, expected y' })).toBe('found x, expected y');
  });

  test('scalars as texts', () => {
    for (const source of ['text', '12', 'true', 'null', '2024-01-01'])
      expect(scalarText(plainScalar(source))).toBe(source);
  });
});
