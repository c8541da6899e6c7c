import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// The AWS SDK announces on each start that it will ask for Node 22 in 2027; in every worker and child that is noise.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

/** As `paths` of tsconfig.json: the functions of infra/ and the examples name the package. */
const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^datashard$/, replacement: source('index.ts') },
      { find: /^datashard\/(\w+)$/, replacement: source('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Interop and multi-process tests wait for JVMs and for MinIO on small machines.
    testTimeout: 60_000,
    hookTimeout: 240_000,
    // Two files at once: most tests race something, and a starved race tests nothing.
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/cli/main.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 90 },
    },
  },
})
