/** For mutation testing: the tests of `commit/` and `spec/` that need neither S3 nor a judge, so that a mutant costs milliseconds. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/spec/**/*.test.ts',
      'test/commit/{create-version,group,version,committer}*.test.ts',
      'test/table/{append,drop,transaction,time-travel}.test.ts',
    ],
    testTimeout: 20_000,
  },
})
