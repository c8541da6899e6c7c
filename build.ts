/**
 * Builds the package as it is published into `dist`, or a directory that is named: JavaScript joined to few files, because a process that starts
 * finds, reads and compiles each file of its own (docs/decisions/build-joined.md), and declarations as tsc writes them.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BuildOptions } from 'esbuild'
import { build } from 'esbuild'

const ROOT = import.meta.dirname
const SOURCES = join(ROOT, 'src')
const outdir = resolve(process.argv[2] ?? join(ROOT, 'dist'))

const options: BuildOptions = {
  outbase: SOURCES,
  outdir,
  bundle: true,
  // What is loaded late stays apart, and entry points share what they have in common.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'warning',
}
const source = (name: string): string => join(SOURCES, name)

// The names of parts tell their contents: those of an earlier build would be published too.
rmSync(outdir, { recursive: true, force: true })
const entries = ['index.ts', 'store/index.ts', 'maintenance/index.ts', 'lambda/index.ts']
await build({ ...options, entryPoints: entries.map(source), chunkNames: 'parts/[name]-[hash]' })
// By itself: its many commands, each loaded late, would cut what the library is made of into fifty parts.
await build({ ...options, entryPoints: [source('cli/main.ts')], chunkNames: 'cli/[name]-[hash]' })
const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', outdir], { stdio: 'inherit' })
