/**
 * For mutation testing: the tests of `commit/` and `spec/` themselves, which need no process beside them. A mutant that
 * survives pays for every test that reaches it, so that those of seconds (thousands of snapshots) are left out; and the
 * tests of whole appends come only with `DATASHARD_MUTATION_TESTS=table`, for what the others let live.
 */
import { defineConfig } from 'vitest/config'

const whole =
  process.env['DATASHARD_MUTATION_TESTS'] === 'table'
    ? ['test/table/{append,drop,idempotency,overwrite-transaction,transaction}.test.ts']
    : []

export default defineConfig({
  test: {
    include: ['test/spec/**/*.test.ts', 'test/commit/**/*.test.ts', ...whole],
    exclude: ['test/commit/{history-bounds,retention}.test.ts'],
    testTimeout: 10_000,
    maxWorkers: 1,
  },
})
