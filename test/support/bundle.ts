/** A program as a function is deployed: bundled by esbuild into a few minified files, with the wasm beside them. */
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '..', '..')
const WASM = 'parquet_wasm_bg.wasm'

export interface BundledFile {
  readonly name: string
  readonly bytes: number
  readonly gzipBytes: number
}

export interface Bundle {
  /** The file that begins it. */
  readonly main: string
  /** Without the wasm; the largest first. */
  readonly files: readonly BundledFile[]
  readonly bytes: number
  readonly gzipBytes: number
  readonly wasmBytes: number
  /** Of `main` and what it loads at once; all else is loaded when it is needed. */
  readonly eagerBytes: number
  /** Packages of which something is loaded at once. */
  readonly eagerPackages: readonly string[]
}

export interface BundleOptions {
  /** Whether the AWS SDK goes in. Lambda's Node runtimes have one; other places do not. */
  readonly sdk: boolean
  /** Names that stand for something else. */
  readonly alias?: Record<string, string>
}

/** Bundles `entry` into `directory`. `datashard` in it is `src/`. */
export async function bundleFunction(entry: string, directory: string, options: BundleOptions): Promise<Bundle> {
  await mkdir(directory, { recursive: true })
  const { metafile } = await build({
    entryPoints: [entry],
    outdir: directory,
    absWorkingDir: ROOT,
    tsconfig: join(ROOT, 'tsconfig.json'),
    ...(options.alias && { alias: options.alias }),
    external: options.sdk ? [] : ['@aws-sdk/*'],
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outExtension: { '.js': '.mjs' },
    // Packages in CommonJS, of which the AWS SDK is one, ask for Node's modules by `require`.
    banner: {
      js: "import { createRequire as bannerRequire } from 'node:module'; const require = bannerRequire(import.meta.url);",
    },
    metafile: true,
    logLevel: 'silent',
  })
  await copyFile(join(ROOT, 'node_modules/parquet-wasm/esm', WASM), join(directory, WASM))
  const outputs = Object.entries(metafile.outputs)
  const [mainPath] = outputs.find(([, { entryPoint }]) => entryPoint !== undefined && isEntry(entryPoint, entry))!
  // What `main` imports as it is loaded is loaded with it.
  const eager = new Set([mainPath])
  for (const path of eager) {
    for (const { kind, path: imported } of metafile.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && imported in metafile.outputs) eager.add(imported)
    }
  }
  const files = await Promise.all(
    outputs.map(async ([path, { bytes }]) => ({
      name: basename(path),
      bytes,
      gzipBytes: gzipSync(await readFile(join(ROOT, path))).length,
    })),
  )
  const inputs = [...eager].flatMap((path) => Object.keys(metafile.outputs[path]?.inputs ?? {}))
  const packages = inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
  return {
    main: join(ROOT, mainPath),
    files: files.toSorted((a, b) => b.bytes - a.bytes),
    bytes: sum(files.map(({ bytes }) => bytes)),
    gzipBytes: sum(files.map(({ gzipBytes }) => gzipBytes)),
    wasmBytes: (await readFile(join(directory, WASM))).length,
    eagerBytes: sum([...eager].map((path) => metafile.outputs[path]?.bytes ?? 0)),
    eagerPackages: [...new Set(packages.filter((name) => name !== undefined))].toSorted(),
  }
}

function isEntry(entryPoint: string, entry: string): boolean {
  return join(ROOT, entryPoint) === join(ROOT, entry.replace(ROOT, ''))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
