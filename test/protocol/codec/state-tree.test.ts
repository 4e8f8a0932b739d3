/** The state commitment against its recursive definition, under any history, and its proofs against forgery. */

import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EncodeError } from '../../../src/protocol/codec/bytes.ts';
import { keyHashInto } from '../../../src/protocol/codec/state-proof.ts';
import { type StateProof, StateTree, stateProof, verifyStateProof } from '../../../src/protocol/codec/state-tree.ts';
import { decode, encode } from '../../../src/protocol/codec/struct.ts';
import { compressBlock, STANDARD_STATE, stateBytes, tagBytes } from './reference.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const utf8 = (text: string) => new TextEncoder().encode(text);

const tagged = (tag: string, data: Uint8Array) => sha256(Buffer.concat([tagBytes(tag), data]));
const pair = (tag: string, left: Uint8Array, right: Uint8Array) =>
  stateBytes(compressBlock(compressBlock(STANDARD_STATE, tagBytes(tag)), new Uint8Array(Buffer.concat([left, right]))));

interface Leaf {
  readonly bits: string;
  readonly hash: Uint8Array;
}

/** The definition: nothing is zero, one leaf is itself, more are the hash of both halves. */
function definedSubtree(leaves: readonly Leaf[], depth: number): Uint8Array {
  if (leaves.length === 0) return new Uint8Array(32);
  if (leaves.length === 1) return leaves[0]!.hash;
  const half = (bit: string) =>
    definedSubtree(
      leaves.filter(leaf => leaf.bits[depth] === bit),
      depth + 1,
    );
  return pair('orrery/state-tree/inner', half('0'), half('1'));
}

function definedRoot(contents: ReadonlyMap<string, Uint8Array>): string {
  const leaves = [...contents].map(([key, value]) => {
    const keyHash = tagged('orrery/state-tree/key', utf8(key));
    const bits = [...keyHash].map(byte => byte.toString(2).padStart(8, '0')).join('');
    return { bits, hash: pair('orrery/state-tree/leaf', keyHash, tagged('orrery/state-tree/value', value)) };
  });
  return hex(definedSubtree(leaves, 0));
}

/** Applies a step to a tree and to a plain map. A null value deletes. */
function apply(tree: StateTree, contents: Map<string, Uint8Array>, key: string, value: Uint8Array | null): void {
  if (value === null) {
    expect(tree.delete(key)).toBe(contents.delete(key));
  } else {
    tree.set(key, value);
    contents.set(key, value);
  }
  expect(tree.size).toBe(contents.size);
  expect(tree.has(key)).toBe(value !== null);
}

const someKeys = fc.nat(40).map(n => `key ${n}`);
const values = fc.uint8Array({ maxLength: 5 });
const steps = fc.array(fc.tuple(someKeys, fc.option(values, { nil: null }), fc.nat(4)), { maxLength: 120 });

function filled(count: number): StateTree {
  const tree = new StateTree();
  for (let i = 0; i < count; i++) tree.set(`key ${i}`, utf8(`value ${i}`));
  return tree;
}

describe('the root', () => {
  test('of nothing is zero, of one key its leaf', () => {
    expect(hex(new StateTree().root())).toBe('0'.repeat(64));
    const contents = new Map([['a', utf8('1')]]);
    const tree = new StateTree();
    tree.set('a', utf8('1'));
    expect(hex(tree.root())).toBe(definedRoot(contents));
  });

  test('follows the definition after any history, however often it is asked for', () => {
    fc.assert(
      fc.property(steps, history => {
        const tree = new StateTree();
        const contents = new Map<string, Uint8Array>();
        for (const [key, value, ask] of history) {
          apply(tree, contents, key, value);
          if (ask === 0) expect(hex(tree.root())).toBe(definedRoot(contents));
        }
        expect(hex(tree.root())).toBe(definedRoot(contents));
        expect(hex(tree.root())).toBe(definedRoot(contents));
      }),
      { numRuns: 150 },
    );
  });

  test('does not depend on the order of insertion, nor on keys that came and went', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), values), { selector: entry => entry[0], maxLength: 60 });
    const shuffled = entries.chain(list =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.array(fc.nat(1000), { maxLength: 60 }), ([first, second], passing) => {
        const one = new StateTree();
        for (const [key, value] of first) one.set(key, value);
        const two = new StateTree();
        for (const n of passing) two.set(`passing ${n}`, utf8('here'));
        if (passing.length % 2 === 0) two.root();
        for (const [key] of first) two.set(key, utf8('overwritten later'));
        for (const n of passing) two.delete(`passing ${n}`);
        for (const [key, value] of second) two.set(key, value);
        expect(hex(two.root())).toBe(hex(one.root()));
        expect(two.size).toBe(first.length);
      }),
    );
  });

  test('follows the definition with thousands of keys, through growth, churn and shrinking', () => {
    const tree = new StateTree();
    const contents = new Map<string, Uint8Array>();
    let state = 12345;
    const next = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 1500; i++) {
        const deletes = next(10) < (round < 3 ? 1 : 7);
        apply(tree, contents, `deployment/${next(3000)}`, deletes ? null : Uint8Array.of(next(256), next(256)));
      }
      expect(hex(tree.root())).toBe(definedRoot(contents));
    }
    for (const key of [...contents.keys()]) apply(tree, contents, key, null);
    expect(hex(tree.root())).toBe('0'.repeat(64));
  });

  test('tells an empty value from none, and every key and value from every other', () => {
    const roots = new Set<string>();
    const contents: [string, string][][] = [
      [],
      [['a', '']],
      [['', 'a']],
      [['', '']],
      [['a', 'b']],
      [['b', 'a']],
      [['ab', '']],
      [
        ['a', ''],
        ['b', ''],
      ],
    ];
    for (const entries of contents) {
      const tree = new StateTree();
      for (const [key, value] of entries) tree.set(key, utf8(value));
      roots.add(hex(tree.root()));
    }
    expect(roots.size).toBe(contents.length);
  });

  test('does not change with bytes that the caller changes later', () => {
    const tree = new StateTree();
    const value = Uint8Array.of(1, 2, 3);
    tree.set('a', value);
    value.fill(9);
    const root = hex(tree.root());
    expect(root).toBe(definedRoot(new Map([['a', Uint8Array.of(1, 2, 3)]])));
    tree.root().fill(0);
    expect(hex(tree.root())).toBe(root);
  });

  test('refuses a key without bytes and stays as it was', () => {
    const tree = filled(3);
    const root = hex(tree.root());
    expect(() => tree.set('\ud800', utf8('x'))).toThrow(EncodeError);
    expect(tree.delete('\ud800')).toBe(false);
    expect([tree.size, hex(tree.root())]).toEqual([3, root]);
  });
});

describe('memory', () => {
  test('of deleted keys is used again', () => {
    const tree = filled(3000);
    tree.root();
    const reserved = tree.reservedBytes;
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 3000; i++) tree.delete(`key ${round * 3000 + i}`);
      for (let i = 0; i < 3000; i++) tree.set(`key ${(round + 1) * 3000 + i}`, utf8('value'));
      tree.root();
    }
    expect(tree.size).toBe(3000);
    expect(tree.reservedBytes).toBeLessThanOrEqual(2 * reserved);
  });

  test('is given back when most keys are gone, without losing the others', () => {
    const tree = filled(30_000);
    tree.root();
    const reserved = tree.reservedBytes;
    const contents = new Map<string, Uint8Array>();
    for (let i = 0; i < 30_000; i++) {
      if (i % 300 === 0) contents.set(`key ${i}`, utf8(`value ${i}`));
      else tree.delete(`key ${i}`);
    }
    expect(hex(tree.root())).toBe(definedRoot(contents));
    expect(tree.reservedBytes).toBeLessThan(reserved / 20);
    apply(tree, contents, 'key 300', null);
    apply(tree, contents, 'key 600', utf8('changed'));
    apply(tree, contents, 'key 7', utf8('back'));
    expect(hex(tree.root())).toBe(definedRoot(contents));
    expect(verifyStateProof(tree.root(), 'key 600', utf8('changed'), tree.prove('key 600'))).toBe(true);
  });
});

describe('proofs', () => {
  test('show every present value and every absent key, and survive encoding', () => {
    fc.assert(
      fc.property(steps, fc.array(someKeys, { maxLength: 10 }), (history, asked) => {
        const tree = new StateTree();
        const contents = new Map<string, Uint8Array>();
        for (const [key, value] of history) apply(tree, contents, key, value);
        const root = tree.root();
        for (const key of asked) {
          const proof = decode(stateProof, encode(stateProof, tree.prove(key)));
          const value = contents.get(key) ?? null;
          expect(verifyStateProof(root, key, value, proof)).toBe(true);
          if (value === null) expect(verifyStateProof(root, key, new Uint8Array(0), proof)).toBe(false);
          else expect(verifyStateProof(root, key, null, proof)).toBe(false);
        }
      }),
    );
  });

  test('of absence come in all three forms', () => {
    const seen = { emptyTree: 0, emptySlot: 0, otherLeaf: 0 };
    expect(verifyStateProof(new Uint8Array(32), 'a', null, new StateTree().prove('a'))).toBe(true);
    seen.emptyTree++;
    for (const count of [1, 2, 3, 10, 100]) {
      const tree = filled(count);
      for (let i = 0; i < 50; i++) {
        const proof = tree.prove(`absent ${i}`);
        expect(verifyStateProof(tree.root(), `absent ${i}`, null, proof)).toBe(true);
        if (proof.other === undefined) seen.emptySlot++;
        else seen.otherLeaf++;
      }
    }
    expect(seen.emptySlot).toBeGreaterThan(10);
    expect(seen.otherLeaf).toBeGreaterThan(20);
  });

  test('include changes made since the root was last asked for', () => {
    const tree = filled(10);
    tree.root();
    tree.set('key 3', utf8('newer'));
    const proof = tree.prove('key 3');
    expect(verifyStateProof(tree.root(), 'key 3', utf8('newer'), proof)).toBe(true);
  });

  test('fail for another key, another value, another root', () => {
    const tree = filled(200);
    const root = tree.root();
    for (let i = 0; i < 200; i++) {
      const proof = tree.prove(`key ${i}`);
      expect(verifyStateProof(root, `key ${i}`, utf8(`value ${i}`), proof)).toBe(true);
      expect(verifyStateProof(root, `key ${i}`, utf8(`value ${i + 1}`), proof)).toBe(false);
      expect(verifyStateProof(root, `key ${i + 1}`, utf8(`value ${i}`), proof)).toBe(false);
      expect(verifyStateProof(root, `key ${(i + 1) % 200}`, utf8(`value ${(i + 1) % 200}`), proof)).toBe(false);
      expect(verifyStateProof(root, `key ${i}`, null, proof)).toBe(false);
      expect(verifyStateProof(filled(199).root(), `key ${i}`, utf8(`value ${i}`), proof)).toBe(false);
    }
  });

  test('fail with any bit flipped, with parts missing, added, swapped or of the wrong size', () => {
    const tree = filled(100);
    const root = tree.root();
    const subjects: [string, Uint8Array | null][] = [
      ['key 5', utf8('value 5')],
      ['key 77', utf8('value 77')],
    ];
    const absent = Array.from({ length: 40 }, (_, i) => `absent ${i}`);
    const onLeaf = absent.find(key => tree.prove(key).other !== undefined)!;
    const onNothing = absent.find(key => tree.prove(key).other === undefined)!;
    subjects.push([onLeaf, null], [onNothing, null]);
    for (const [key, value] of subjects) {
      const proof = tree.prove(key);
      const check = (forged: StateProof, from = root) => verifyStateProof(from, key, value, forged);
      expect(check(proof)).toBe(true);
      const { siblings, other } = proof;
      const changed = (at: number, hash: Uint8Array) => siblings.map((old, i) => (i === at ? hash : old));
      for (let at = 0; at < siblings.length; at++) {
        for (let bit = 0; bit < 256; bit++) {
          const flipped = siblings[at]!.slice();
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          expect(check({ siblings: changed(at, flipped), other })).toBe(false);
        }
        expect(check({ siblings: changed(at, siblings[at]!.subarray(1)), other })).toBe(false);
        expect(check({ siblings: changed(at, Uint8Array.of(...siblings[at]!, 0)), other })).toBe(false);
        expect(check({ siblings: siblings.filter((_, i) => i !== at), other })).toBe(false);
      }
      const zero = new Uint8Array(32);
      expect(check({ siblings: [...siblings, zero], other })).toBe(false);
      expect(check({ siblings: [zero, ...siblings], other })).toBe(false);
      expect(check({ siblings: [...siblings, root], other })).toBe(false);
      expect(check({ siblings: [...siblings].reverse(), other })).toBe(false);
      expect(check({ siblings: new Array<Uint8Array>(257).fill(zero), other })).toBe(false);
      expect(check({ siblings: [], other })).toBe(false);
      expect(check(proof, root.subarray(1))).toBe(false);
      const stranger = { keyHash: new Uint8Array(32).fill(1), valueHash: new Uint8Array(32).fill(2) };
      expect(check({ siblings, other: stranger })).toBe(false);
      if (other !== undefined) {
        expect(check({ siblings, other: undefined })).toBe(false);
        for (let bit = 0; bit < 256; bit++) {
          for (const part of ['keyHash', 'valueHash'] as const) {
            const flipped = other[part].slice();
            flipped[bit >> 3]! ^= 1 << (bit & 7);
            expect(check({ siblings, other: { ...other, [part]: flipped } })).toBe(false);
          }
        }
        expect(check({ siblings, other: { ...other, keyHash: other.keyHash.subarray(1) } })).toBe(false);
        expect(check({ siblings, other: { ...other, valueHash: new Uint8Array(0) } })).toBe(false);
      }
    }
  });

  test('cannot pass the leaf of a key off as the leaf of another', () => {
    const tree = filled(1);
    const root = tree.root();
    const words = new Int32Array(8);
    keyHashInto('key 0', words, 0);
    const own = tagged('orrery/state-tree/key', utf8('key 0'));
    const valueHash = tagged('orrery/state-tree/value', utf8('value 0'));
    const disguised: StateProof = { siblings: [], other: { keyHash: own, valueHash } };
    expect(verifyStateProof(root, 'key 0', null, disguised)).toBe(false);
    expect(verifyStateProof(root, 'another', null, disguised)).toBe(true);
  });

  test('cannot place a leaf where its key does not lead', () => {
    // An inner node whose halves are both the leaf of one key: it could be found on the wrong side of any bit.
    const keyHash = tagged('orrery/state-tree/key', utf8('subject'));
    const stranger = keyHash.slice();
    stranger[0]! ^= 0x80;
    const valueHash = new Uint8Array(32).fill(5);
    const leaf = pair('orrery/state-tree/leaf', stranger, valueHash);
    const root = pair('orrery/state-tree/inner', leaf, leaf);
    const proof: StateProof = { siblings: [leaf], other: { keyHash: stranger, valueHash } };
    expect(verifyStateProof(root, 'subject', null, proof)).toBe(false);
  });
});
