/** A folder of its own for each test, and homes in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { identityOf } from '../../../src/lab/live/home/identity-key.ts';
import { type NewChain, newChain } from '../../../src/lab/live/home/new-chain.ts';
import type { NodeHome, ProviderHome, TenantHome } from '../../../src/lab/live/home/write-home.ts';
import type { Genesis } from '../../../src/protocol/chain/genesis.ts';

export const GIB = 2 ** 30;

/** A folder that is there while a test runs; the function says where. */
export function useFolder(): () => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-live-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

/** A seed for tests, told from others by a number. */
export function seedOf(n: number): Uint8Array {
  return new Uint8Array(32).fill(n);
}

export function addressOfSeed(n: number): string {
  return identityOf(seedOf(n)).address;
}

/** A chain whose only validator has the key of seed 1. */
export function testGenesis(chain: Partial<NewChain> = {}): Genesis {
  return newChain(
    { chainId: 'test-chain', blockInterval: 1_000_000, time: 1_700_000_000_000_000, ...chain },
    identityOf(seedOf(1)),
  );
}

const here = (port: number) => ({ host: '127.0.0.1', port });

export function nodeHome(home: string, changes: Partial<NodeHome> = {}): NodeHome {
  return { home, name: 'alpha', genesis: testGenesis(), keySeed: seedOf(1), listen: here(0), api: here(0), ...changes };
}

const SOME_NODE = { alpha: { ...here(26_600), address: addressOfSeed(1) } };
const costs = (value: number) => ({ quantity: 'rate' as const, kind: 'constant' as const, value });

export function providerHome(home: string, changes: Partial<ProviderHome> = {}): ProviderHome {
  return {
    home,
    name: 'iron',
    genesis: testGenesis(),
    keySeed: seedOf(2),
    listen: here(0),
    api: here(0),
    nodes: SOME_NODE,
    region: 'eu',
    hosts: [{ cpu: 8_000, memory: 16 * GIB, disk: 100 * GIB, gpus: 0, bandwidth: 0 }],
    cost: { cpu: costs(1_000_000), memory: costs(100_000), disk: costs(1_000), gpu: costs(0) },
    strategy: { kind: 'costPlus', margin: { quantity: 'number', kind: 'constant', value: 0.2 } },
    containers: { kind: 'none' },
    ...changes,
  };
}

export function tenantHome(home: string, changes: Partial<TenantHome> = {}): TenantHome {
  return { home, name: 'web', genesis: testGenesis(), keySeed: seedOf(3), api: here(0), nodes: SOME_NODE, ...changes };
}
