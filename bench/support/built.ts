/**
 * The library as users get it: built afresh, so that nothing stale is measured, and run by plain Node, so that no loader is measured
 * with it. The programs of benches and tests that run as processes of their own lie beside it, each bundled into one file.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const run = promisify(execFile)
// The AWS SDK's word about Node 22 in 2027, once per process, is noise in a run of many.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
const ROOT = join(import.meta.dirname, '..', '..')
const BUILD_TIMEOUT_MS = 120_000

export interface Built extends AsyncDisposable {
  /** In the clone, ignored by git; gone when this is disposed of. Tables on the local disk belong here too. */
  readonly directory: string
  /** The URL of its `index.js`. */
  readonly library: string
  /** Bundles a program, a TypeScript file given by its path; the path of what Node runs. */
  program(source: string): Promise<string>
}

/** Builds the package; about two seconds. */
export async function buildLibrary(): Promise<Built> {
  const work = join(ROOT, '.work')
  await mkdir(work, { recursive: true })
  const directory = await mkdtemp(join(work, 'run-'))
  const compiled = join(directory, 'library')
  await run('npm', ['run', 'build', '--silent', '--', compiled], { cwd: ROOT, timeout: BUILD_TIMEOUT_MS })
  return {
    directory,
    library: pathToFileURL(join(compiled, 'index.js')).href,
    program: async (source) => {
      const outfile = join(directory, basename(source).replace(/\.ts$/, '.js'))
      await build({
        entryPoints: [source],
        outfile,
        bundle: true,
        format: 'esm',
        platform: 'node',
        packages: 'external',
      })
      return outfile
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  }
}
