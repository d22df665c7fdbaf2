import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    // @jupyter/ydoc reads cells that are not in a document yet, which Yjs remarks on.
    onConsoleLog: log => !log.includes('Invalid access'),
    testTimeout: 20_000
  }
});
