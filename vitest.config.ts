import path from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/seed.ts'],
    // On a machine that has other work a test takes several times as long; a test that hangs is still ended.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Some tests wait, for processes or for time: one worker more than most machines that run this have cores.
    maxWorkers: 3,
    // Each file loads all sources anew otherwise, which is a quarter of the time: no test may leave anything behind.
    isolate: false,
    // Processes that tests start compile our sources once, not each time anew.
    env: {
      NODE_COMPILE_CACHE: path.join(import.meta.dirname, 'node_modules/.cache/node'),
      SUITE_STARTED_AT: String(Date.now()),
    },
  },
});
