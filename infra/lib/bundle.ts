import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const WASM = 'parquet_wasm_bg.wasm'
const FUNCTIONS = join(dirname(fileURLToPath(import.meta.url)), '..', 'functions')

/** The handlers that come with the constructs. */
export type OwnFunction = 'ingest' | 'sweep' | 'register'

export function ownFunction(name: OwnFunction): string {
  return join(FUNCTIONS, `${name}.ts`)
}

/**
 * Bundles a handler into a directory that Lambda can run: `index.mjs` with its chunks, and the wasm of Parquet beside them, where
 * DataShard looks for it. Chunks, because what an invocation does not need (the AWS SDK, Arrow) should not be parsed by it.
 *
 * Every handler also gets the metrics that the alarms look at. The clients of the AWS SDK other than S3 come with Lambda's runtime.
 */
export function bundleFunction(entry: string, directory: string): void {
  buildSync({
    entryPoints: { index: entry },
    inject: [join(FUNCTIONS, 'embedded-metrics.ts')],
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    // Names of classes and functions are in messages of errors and in profiles.
    keepNames: true,
    platform: 'node',
    // As modules packages can be left out in part, and are by import() what they are to Node.
    mainFields: ['module', 'main'],
    format: 'esm',
    target: 'node22',
    external: ['@aws-sdk/client-glue', '@opentelemetry/api'],
    // Parts of the AWS SDK are CommonJS, and ask for Node's own modules by require.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module';const require = makeRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })
  copyFileSync(createRequire(import.meta.url).resolve(`parquet-wasm/esm/${WASM}`), join(directory, WASM))
}
