/** RFC 6962 trees: the published roots, the published good and bad proofs, and a transcription of the definition. */

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencyProof,
  inclusionProof,
  MerkleTree,
  merkleLeafHash,
  merkleRoot,
  verifyConsistency,
  verifyInclusion,
  verifyInclusionOfHash,
} from '../../../src/protocol/codec/merkle.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (digits: string) => new Uint8Array(Buffer.from(digits, 'hex'));

/** The definition of section 2.1, word for word. */
function definedRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return sha256(Uint8Array.of(0, ...leaves[0]!));
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha256(Uint8Array.of(1, ...definedRoot(leaves.slice(0, k)), ...definedRoot(leaves.slice(k))));
}

const published = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const publishedRoots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => new Uint8Array(i % 100).fill(i + 1));

describe('roots', () => {
  test('are the published ones', () => {
    publishedRoots.forEach((root, size) => {
      expect(hex(merkleRoot(published.slice(0, size).map(unhex)))).toBe(root);
    });
  });

  test('follow the definition at every size', () => {
    for (let size = 0; size <= 70; size++) {
      expect(hex(merkleRoot(leavesOf(size)))).toBe(hex(definedRoot(leavesOf(size))));
    }
    const long = [new Uint8Array(5000).fill(1), new Uint8Array(100_000).fill(2)];
    expect(hex(merkleRoot(long))).toBe(hex(definedRoot(long)));
    expect(hex(merkleLeafHash(long[1]!))).toBe(hex(definedRoot([long[1]!])));
  });
});

describe('inclusion proofs', () => {
  test('show every leaf of every size to be where it is, and nowhere else', () => {
    for (let size = 1; size <= 33; size++) {
      const leaves = leavesOf(size);
      const root = merkleRoot(leaves);
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(leaves, index);
        expect(verifyInclusion(root, leaves[index]!, index, size, proof)).toBe(true);
        for (let wrong = 0; wrong <= size; wrong++) {
          if (wrong !== index) expect(verifyInclusion(root, leaves[index]!, wrong, size, proof)).toBe(false);
        }
        expect(verifyInclusion(root, Uint8Array.of(99, 98), index, size, proof)).toBe(false);
      }
    }
  });

  test('fail when forged', () => {
    const cases = fc.integer({ min: 2, max: 40 }).chain(size => fc.tuple(fc.constant(size), fc.nat(size - 1)));
    fc.assert(
      fc.property(cases, fc.nat(), ([size, index], where) => {
        const leaves = leavesOf(size);
        const root = merkleRoot(leaves);
        const proof = inclusionProof(leaves, index);
        const check = (forged: readonly Uint8Array[]) => verifyInclusion(root, leaves[index]!, index, size, forged);
        expect(check(proof)).toBe(true);
        const at = where % proof.length;
        const flipped = proof.map(hash => hash.slice());
        flipped[at]![where % 32]! ^= 1 << (where % 8);
        expect(check(flipped)).toBe(false);
        expect(check(proof.slice(0, -1))).toBe(false);
        expect(check(proof.slice(1))).toBe(false);
        expect(check([...proof, root])).toBe(false);
        expect(check([root, ...proof])).toBe(false);
        expect(check(proof.map((hash, i) => (i === at ? hash.subarray(1) : hash)))).toBe(false);
        expect(verifyInclusion(root.subarray(1), leaves[index]!, index, size, proof)).toBe(false);
      }),
    );
  });

  test('do not exist for leaves that do not', () => {
    expect(() => inclusionProof(leavesOf(3), 3)).toThrow(RangeError);
    expect(() => inclusionProof(leavesOf(3), -1)).toThrow(RangeError);
    expect(() => inclusionProof([], 0)).toThrow(RangeError);
    const root = merkleRoot(leavesOf(1));
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [-1, 1],
      [0.5, 1],
      [Number.NaN, 1],
      [0, Number.POSITIVE_INFINITY],
      [0, 2 ** 53],
    ] as const) {
      expect(verifyInclusion(root, leavesOf(1)[0]!, index, size, [])).toBe(false);
    }
  });
});

describe('consistency proofs', () => {
  test('show every list to be a prefix of every longer one, and no other', () => {
    const leaves = leavesOf(25);
    const roots = Array.from({ length: 26 }, (_, size) => merkleRoot(leaves.slice(0, size)));
    const other = merkleRoot([...leaves.slice(0, 24), Uint8Array.of(7)]);
    for (let n = 1; n <= 25; n++) {
      for (let m = 1; m <= n; m++) {
        const proof = consistencyProof(leaves, m, n);
        expect(verifyConsistency(m, n, roots[m]!, roots[n]!, proof)).toBe(true);
        expect(verifyConsistency(m, n, other, roots[n]!, proof)).toBe(false);
        expect(verifyConsistency(m, n, roots[m]!, other, proof)).toBe(false);
        if (m < n) {
          expect(verifyConsistency(n, m, roots[n]!, roots[m]!, proof)).toBe(false);
          expect(verifyConsistency(m, n, roots[m]!, roots[n]!, proof.slice(1))).toBe(false);
          expect(verifyConsistency(m, n, roots[m]!, roots[n]!, [...proof, roots[n]!])).toBe(false);
          for (let i = 0; i < proof.length; i++) {
            const forged = proof.map((hash, j) => (i === j ? hash.map(byte => byte ^ 0x80) : hash));
            expect(verifyConsistency(m, n, roots[m]!, roots[n]!, forged)).toBe(false);
          }
        }
      }
    }
  });

  test('show nothing about the empty list, and do not exist outside the list', () => {
    const leaves = leavesOf(3);
    const empty = merkleRoot([]);
    expect(consistencyProof(leaves, 0)).toEqual([]);
    expect(verifyConsistency(0, 3, empty, merkleRoot(leaves), [])).toBe(false);
    expect(verifyConsistency(0, 0, empty, empty, [])).toBe(false);
    for (const [m, n] of [
      [2, 1],
      [1, 4],
      [-1, 2],
      [0.5, 2],
    ] as const) {
      expect(() => consistencyProof(leaves, m, n)).toThrow(RangeError);
      expect(verifyConsistency(m, n, empty, empty, [])).toBe(false);
    }
  });
});

/** The regular files of a tar archive: name and content. */
function* untar(archive: Buffer): Generator<[string, string]> {
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const field = (from: number, length: number) =>
      archive
        .toString('latin1', at + from, at + from + length)
        .replace(/\0.*$/s, '')
        .trim();
    const size = Number.parseInt(field(124, 12), 8);
    const name = field(0, 100);
    if (name.endsWith('.json')) yield [name, archive.toString('utf8', at + 512, at + 512 + size)];
    at += 512 * (1 + Math.ceil(size / 512));
  }
}

interface PublishedProof {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly desc: string;
  readonly wantErr: boolean;
}

const archive = resolve(
  process.env.ORRERY_DATA ?? resolve(import.meta.dirname, '../../../../shared/data'),
  'consensus/merkle/testdata.tar.gz',
);

describe('the published corpus of transparency-dev/merkle', () => {
  const absent = existsSync(archive) ? '' : ' (skipped: the data folder has no consensus/merkle/testdata.tar.gz)';
  test.skipIf(absent !== '')(`gets the published verdict on every proof${absent}`, () => {
    const bytes = (base64: string | null) => new Uint8Array(Buffer.from(base64 ?? '', 'base64'));
    const ran = { inclusion: 0, consistency: 0 };
    for (const [name, json] of untar(gunzipSync(readFileSync(archive)))) {
      const given = JSON.parse(json) as PublishedProof;
      const proof = (given.proof ?? []).map(bytes);
      let verdict: boolean;
      if (name.startsWith('inclusion/')) {
        ran.inclusion++;
        verdict = verifyInclusionOfHash(bytes(given.root), bytes(given.leafHash), given.leafIdx, given.treeSize, proof);
      } else {
        ran.consistency++;
        verdict = verifyConsistency(given.size1, given.size2, bytes(given.root1), bytes(given.root2), proof);
      }
      expect([name, given.desc, verdict]).toEqual([name, given.desc, !given.wantErr]);
    }
    console.log(`merkle corpus: ${ran.inclusion} inclusion proofs, ${ran.consistency} consistency proofs`);
    expect(ran.inclusion).toBeGreaterThan(50);
    expect(ran.consistency).toBeGreaterThan(50);
  });
});

describe('a tree that is kept', () => {
  test('has the root of the list, and gives the proofs that the list gives', () => {
    for (let size = 0; size <= 40; size++) {
      const leaves = Array.from({ length: size }, (_, i) => Uint8Array.of(size, i));
      const tree = new MerkleTree(leaves);
      expect(hex(tree.root())).toBe(hex(merkleRoot(leaves)));
      for (let i = 0; i < size; i++) expect(tree.proof(i)).toEqual(inclusionProof(leaves, i));
      for (const none of [-1, size, 0.5]) expect(() => tree.proof(none)).toThrow(RangeError);
    }
  });

  test('no two leaves pass for neighbours that are not, whatever size is claimed for the list', () => {
    for (let size = 1; size <= 12; size++) {
      const leaves = Array.from({ length: size }, (_, i) => Uint8Array.of(i));
      const tree = new MerkleTree(leaves);
      const root = tree.root();
      const passes = (leaf: number, at: number, claimed: number) =>
        verifyInclusion(root, leaves[leaf]!, at, claimed, tree.proof(leaf));
      for (let claimed = 1; claimed <= 40; claimed++) {
        for (let at = 0; at < claimed; at++) {
          const here = leaves.findIndex((_, leaf) => passes(leaf, at, claimed));
          if (here < 0) continue;
          if (at === 0) expect(here).toBe(0);
          if (at === claimed - 1) expect(here).toBe(size - 1);
          const next = at + 1 < claimed ? leaves.findIndex((_, leaf) => passes(leaf, at + 1, claimed)) : -1;
          if (next >= 0) expect(next).toBe(here + 1);
        }
      }
    }
  });
});
