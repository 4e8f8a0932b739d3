import { defineConfig } from 'vitest/config';

/** Real processes and containers: they need the machine for themselves, and look at all that is left behind on it. */
const LIVE = ['test/live/**/*.test.ts', 'test/worlds/live/docker/**/*.test.ts', 'test/conformance/live*.test.ts'];

export default defineConfig({
  test: {
    // Generous: what is slow on a busy machine is not wrong.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: LIVE,
          // Worlds are single threads; two files side by side fill a two-core machine.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'live', include: LIVE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
