import { describe, expect, it } from 'vitest';
import { InvalidScenario } from '../../../src/lab/scenario/problem.ts';
import { decode, find, locate, locateKey, merge, parseTree, plain } from '../../../src/lab/scenario/tree.ts';

const read = (content: string | Uint8Array) => parseTree('f.yaml', decode('f.yaml', content));
const linesOf = (content: string | Uint8Array): string[] => {
  try {
    read(content);
  } catch (error) {
    if (error instanceof InvalidScenario) return error.message.split('\n');
    throw error;
  }
  throw new Error('found a tree, expected errors');
};
const bytes = (...parts: (string | number)[]) =>
  Uint8Array.from(parts.flatMap(part => (typeof part === 'number' ? [part] : [...new TextEncoder().encode(part)])));

describe('reading', () => {
  it('gives data and the place of every value', () => {
    const tree = read('a: 1\nb:\n  - x\n  - {c: off, d: }\n');
    expect(plain(tree)).toEqual({ a: 1, b: ['x', { c: 'off', d: null }] });
    expect(locate(tree, ['b', 1, 'c'])).toEqual({ file: 'f.yaml', line: 4, column: 9 });
    expect(locateKey(tree, ['b', 1, 'c'])).toEqual({ file: 'f.yaml', line: 4, column: 6 });
  });

  it('places what is missing at the key that should hold it', () => {
    const tree = read('x: 1\nouter:\n  inner:\n    a: 1\n');
    expect(locate(tree, ['outer', 'inner', 'b'])).toMatchObject({ line: 3, column: 3 });
    expect(locate(tree, ['nowhere', 'b'])).toMatchObject({ line: 1, column: 1 });
  });

  it('places what an alias stands for where it was written', () => {
    const tree = read('a: &x {k: 1}\nb: *x\n');
    expect(plain(tree)).toEqual({ a: { k: 1 }, b: { k: 1 } });
    expect(locate(tree, ['b', 'k'])).toMatchObject({ line: 1, column: 11 });
  });

  it('takes YAML 1.2 words: yes, on and off are text', () => {
    expect(plain(read('a: yes\nb: on\nc: off\nd: true\n'))).toEqual({ a: 'yes', b: 'on', c: 'off', d: true });
  });
});

describe('refusing', () => {
  it.each([
    [
      'a key twice',
      'a: 1\nb: {c: 1, c: 2}\n',
      'f.yaml:2:11: b.c: found the key "c" a second time, expected each key once',
    ],
    ['a tab', 'a:\n\tb: 1\n', 'f.yaml:2:1: found a tab in the indentation, expected spaces'],
    [
      'two documents',
      'a: 1\n---\nb: 2\n',
      'f.yaml:2:1: found a second document (---), expected one document in a file',
    ],
    ['an empty file', '', 'f.yaml:1:1: found an empty file, expected a map with name, question...'],
    ['comments only', '# nothing\n', 'f.yaml:1:1: found an empty file, expected a map with name, question...'],
    [
      'a merge key',
      'a: &x {k: 1}\nb: {<<: *x}\n',
      'f.yaml:2:5: b: found a merge key (<<), expected an alias for a whole value, or `extends`',
    ],
    ['an alias of nothing', 'a: *x\n', 'f.yaml:1:4: a: found the alias *x, expected an anchor of that name before it'],
    [
      'a known tag',
      'a: !!binary aGk=\n',
      'f.yaml:1:13: a: found the tag tag:yaml.org,2002:binary, expected values without tags',
    ],
    ['an unknown tag', 'a: !x 1\n', 'f.yaml:1:4: found a tag (!), expected values without tags'],
    ['a prototype', '__proto__: {a: 1}\n', 'f.yaml:1:1: found the key "__proto__", expected another name'],
    ['a list as a key', '? [a]\n: b\n', 'f.yaml:1:3: found a key that is no text, expected a name'],
    ['YAML 1.1', '%YAML 1.1\n---\na: 1\n', 'f.yaml:1:1: found YAML 1.1, expected YAML 1.2'],
  ])('%s', (_, content, line) => {
    expect(linesOf(content)).toEqual([line]);
  });

  it('a byte order mark, UTF-16 and bytes that are not UTF-8, by line', () => {
    expect(linesOf(bytes(0xef, 0xbb, 0xbf, 'a: 1'))).toEqual([
      'f.yaml:1:1: found a byte order mark, expected UTF-8 without one',
    ]);
    expect(linesOf(bytes(0xff, 0xfe, 'a', 0))).toEqual(['f.yaml:1:1: found UTF-16, expected UTF-8']);
    expect(linesOf(bytes('a: ä\nb: ', 0xc3, '\nc: 1\n'))).toEqual([
      'f.yaml:2:1: found bytes that are not UTF-8, expected UTF-8',
    ]);
  });

  it('a file of more than a mebibyte, and not one of exactly that', () => {
    const comment = (length: number) => `a: 1\n#${'x'.repeat(length - 7)}\n`;
    expect(plain(read(comment(1 << 20)))).toEqual({ a: 1 });
    expect(linesOf(comment((1 << 20) + 1))).toEqual([
      'f.yaml: found 1,048,577 bytes, expected at most 1,048,576 bytes',
    ]);
  });

  it('bombs of aliases, quickly', () => {
    const rows = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
    for (let i = 1; i < 15; i += 1)
      rows.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(',')}]`,
      );
    const started = performance.now();
    const lines = linesOf(`${rows.join('\n')}\n`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/found aliases for over 10,000 values, expected fewer$/);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('an alias of itself, and endless nesting of every kind', () => {
    for (const content of [
      'a: &a [*a]',
      '['.repeat(100_000),
      '{a: '.repeat(20_000),
      '- '.repeat(5_000),
      `${'['.repeat(40)}${']'.repeat(40)}`,
    ]) {
      const lines = linesOf(content);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/found lists or maps nested .*, expected at most 32 levels$/);
    }
  });

  it('reports every key that stands twice', () => {
    expect(linesOf('a: 1\na: 2\nb: {c: 1, c: 2, d: 1}\nb: 3\n')).toHaveLength(3);
  });
});

describe('merging', () => {
  const merged = (base: string, child: string) => plain(merge(parseTree('b', base), parseTree('c', child)));

  it('goes key by key, the child winning, lists replaced', () => {
    expect(merged('a: {x: 1, y: [1, 2]}\nb: 1\n', 'a: {y: [3], z: 4}\nc: 5\n')).toEqual({
      a: { x: 1, y: [3], z: 4 },
      b: 1,
      c: 5,
    });
  });

  it('replaces a choice by another one, and refines the same one', () => {
    const base = 'providers: {p: {strategy: {costPlus: {margin: 1}}, cost: {cpu: {uniform: [1, 2]}}}}\n';
    expect(merged(base, 'providers: {p: {strategy: {undercut: {step: 2}}}}\n')).toMatchObject({
      providers: { p: { strategy: { undercut: { step: 2 } } } },
    });
    const refined = merged(
      'tenants: {t: {refill: {below: 1, to: 2}, price: {normal: {mean: 1, sd: 2}}}}\n',
      'tenants: {t: {price: {normal: {sd: 3}}}}\n',
    );
    expect(refined).toEqual({ tenants: { t: { refill: { below: 1, to: 2 }, price: { normal: { mean: 1, sd: 3 } } } } });
    expect(merged('tenants: {price: {a: 1}}\n', 'tenants: {price: {b: 2}}\n')).toEqual({
      tenants: { price: { a: 1, b: 2 } },
    });
  });

  it('takes away what cannot stand beside what the child writes', () => {
    expect(merged('workload: {timeScale: 1, pods: p}\n', 'workload: {targetLoad: 0.7}\n')).toEqual({
      workload: { targetLoad: 0.7, pods: 'p' },
    });
    expect(
      merged('providers: {p: {count: 1, hosts: 2, region: eu}}\n', 'providers: {p: {fromTrace: openb}}\n'),
    ).toEqual({
      providers: { p: { fromTrace: 'openb', region: 'eu' } },
    });
    expect(merged('tenants: {p: {count: 1}}\n', 'tenants: {p: {fromTrace: openb}}\n')).toEqual({
      tenants: { p: { count: 1, fromTrace: 'openb' } },
    });
  });

  it('keeps the places of both files and changes neither tree', () => {
    const base = parseTree('b', 'a: {x: 1, y: 2}\n');
    const child = parseTree('c', 'a: {y: 3}\n');
    const both = merge(base, child);
    expect(find(both, ['a', 'x'])?.place.file).toBe('b');
    expect(find(both, ['a', 'y'])?.place.file).toBe('c');
    expect(plain(base)).toEqual({ a: { x: 1, y: 2 } });
    expect(plain(child)).toEqual({ a: { y: 3 } });
  });
});
