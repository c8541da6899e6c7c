/**
 * The one place where parquet-wasm is loaded: lazily, once per process. A process that only commits, or only looks at
 * metadata, never pays for its 5 MB.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataShardError } from '../errors.ts'
import { resolvePackage } from './resolve-package.ts'

/** The module `parquet-wasm/esm`, initialised. */
export type ParquetWasm = typeof import('parquet-wasm/esm')

const WASM_FILE = 'parquet_wasm_bg.wasm'

/** What Node has and the types of Node 20 lack. */
const { compile } = (
  globalThis as unknown as {
    WebAssembly: { compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> }
  }
).WebAssembly

let compiled: Promise<WebAssembly.Module> | undefined
let loaded: Promise<ParquetWasm> | undefined

/**
 * parquet-wasm, ready to be called. The wasm bytes come from, in this order: the file that the environment variable
 * `DATASHARD_PARQUET_WASM` names; `parquet_wasm_bg.wasm` beside the running file (a bundle must carry the version that
 * its JavaScript was made for); the installed package.
 *
 * @throws DataShardError `not-found` if there are no such bytes, naming where they were looked for.
 */
export function loadParquetWasm(): Promise<ParquetWasm> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined
    throw error
  })
  return loaded
}

/**
 * Starts loading in the background. For callers that know that Parquet will be needed while they still wait for
 * something else; a failure shows up at the first real use.
 */
export function warmUp(): void {
  loadParquetWasm().catch(() => undefined)
}

/** The compiled module, which a worker thread can be given instead of compiling it again. */
export function parquetWasmModule(): Promise<WebAssembly.Module> {
  compiled ??= readWasm()
    .then((bytes) => compile(bytes))
    .catch((error: unknown) => {
      compiled = undefined
      throw error
    })
  return compiled
}

async function load(): Promise<ParquetWasm> {
  const [module, wasm] = await Promise.all([parquetWasmModule(), import('parquet-wasm/esm')])
  wasm.initSync({ module })
  return wasm
}

async function readWasm(): Promise<Uint8Array<ArrayBuffer>> {
  const fromEnvironment = process.env['DATASHARD_PARQUET_WASM']
  const places =
    fromEnvironment === undefined ? [besideThisFile, besideThisScript, inThePackage] : [() => fromEnvironment]
  const tried: string[] = []
  for (const place of places) {
    try {
      const path = place()
      if (path === undefined) continue
      tried.push(path)
      const bytes = await readFile(path)
      return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  throw new DataShardError(
    'not-found',
    `${WASM_FILE} of the package parquet-wasm is not there (looked for ${tried.join(', ') || 'the package'}); ` +
      'install parquet-wasm, copy that file beside the bundle, or name it in DATASHARD_PARQUET_WASM',
  )
}

/** In a CommonJS bundle `import.meta.url` is empty, or what it was where the bundle was made, and `__dirname` is there. */
function besideThisFile(): string | undefined {
  const here: string | undefined = import.meta.url
  return here === undefined ? undefined : join(dirname(fileURLToPath(here)), WASM_FILE)
}

function besideThisScript(): string | undefined {
  return typeof __dirname === 'string' ? join(__dirname, WASM_FILE) : undefined
}

function inThePackage(): string | undefined {
  const here: string | undefined = import.meta.url ?? (typeof __filename === 'string' ? __filename : undefined)
  return here === undefined ? undefined : resolvePackage(`parquet-wasm/esm/${WASM_FILE}`, here)
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ENOENT' || code === 'MODULE_NOT_FOUND' || code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'
}
