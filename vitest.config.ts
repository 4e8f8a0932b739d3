import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Worlds are single threads; two files side by side fill a two-core machine.
    maxWorkers: 2,
    pool: 'forks',
  },
});
