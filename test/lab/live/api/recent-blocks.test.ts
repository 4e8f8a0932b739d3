/** The blocks that the API keeps: bounded, contiguous, and waited for in vain only so long. */
import { describe, expect, it } from 'vitest';
import { RECENT_LIMITS, RecentBlocks, type RecentLimits } from '../../../../src/lab/live/api/recent-blocks.ts';
import { type DrivenNode, smallNode } from './support.ts';

function kept(limits: Partial<RecentLimits> = {}): { node: DrivenNode; recent: RecentBlocks } {
  const node = smallNode();
  const recent = new RecentBlocks({ ...RECENT_LIMITS, ...limits });
  node.onBlock((block, result, chain, commit) => recent.add(block, result, chain, commit));
  return { node, recent };
}

describe('blocks', () => {
  it('are kept so many, newest first', () => {
    const { node, recent } = kept({ count: 3 });
    node.run(5);
    expect(recent.latest(10).map(one => one.block.header.height)).toEqual([5, 4, 3]);
    expect(recent.oldestHeight).toBe(3);
    expect(recent.get(2)).toBeUndefined();
    expect(recent.get(3)?.interval).toBe(1_000_000);
    expect(recent.get(6)).toBeUndefined();
  });

  it('are kept up to so many bytes, the newest in any case', () => {
    const { node, recent } = kept({ bytes: 500 });
    for (let i = 0; i < 6; i++) {
      node.driver.send('web-0', { type: 'Transfer', to: node.driver.address('web-1'), amount: 1n });
      node.driver.send('web-1', { type: 'Transfer', to: node.driver.address('web-0'), amount: 1n });
      node.block();
    }
    const sizes = recent.latest(10).map(one => one.block.transactions.reduce((sum, tx) => sum + tx.size, 0));
    expect(sizes.length).toBe(1);
    expect(sizes[0]).toBeGreaterThan(250);
  });

  it('begin afresh when a node jumps', () => {
    const { node, recent } = kept();
    node.run(2);
    const other = smallNode();
    other.run(7);
    other.onBlock((block, result, chain, commit) => recent.add(block, result, chain, commit));
    other.block();
    expect(recent.oldestHeight).toBe(8);
    expect(recent.newest?.interval).toBeNull();
  });
});

describe('waiting', () => {
  it('ends with the commit, whether it comes with the block or in the next', async () => {
    const { node, recent } = kept();
    node.tellsCommits = false;
    const first = recent.whenCommitted(1);
    node.block();
    expect(recent.get(1)?.commit).toBeNull();
    node.block();
    expect((await first).commit?.height).toBe(1);
    node.tellsCommits = true;
    node.block();
    expect((await recent.whenCommitted(3)).commit?.height).toBe(3);
  });

  it('ends in vain when the height is jumped over, too many wait, or the end comes', async () => {
    const { recent } = kept({ waiters: 2 });
    const over = recent.whenCommitted(2);
    const ended = recent.whenCommitted(100);
    await expect(recent.whenCommitted(3)).rejects.toMatchObject({ code: 'busy', status: 503 });
    const other = smallNode();
    other.run(6);
    other.onBlock((block, result, chain, commit) => recent.add(block, result, chain, commit));
    other.block();
    await expect(over).rejects.toMatchObject({ code: 'no_block' });
    recent.close();
    await expect(ended).rejects.toMatchObject({ code: 'closing' });
  });

  it('ends in vain after a while', async () => {
    const { recent } = kept({ wait_ms: 30 });
    await expect(recent.whenCommitted(1)).rejects.toMatchObject({ code: 'no_block', status: 504 });
  });
});
