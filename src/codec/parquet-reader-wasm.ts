/** The instance of parquet-wasm that decodes, and what takes its place after a panic. */
import { pathToFileURL } from 'node:url'
import { resolvePackage } from './resolve-package.ts'
import type { ParquetWasm } from './wasm.ts'
import { loadParquetWasm, parquetWasmModule } from './wasm.ts'

let current: Promise<ParquetWasm> | undefined
let panics = 0

/** Each instance that has panicked keeps its memory for good: hostile files must not be able to exhaust that. */
const MAX_INSTANCES = 32

/** The instance to use now. */
export function readerWasm(): Promise<ParquetWasm> {
  current ??= loadParquetWasm().catch((error: unknown) => {
    current = undefined
    throw error
  })
  return current
}

/**
 * Puts another instance in the place of one that has panicked. parquet-wasm keeps one instance per copy of its module;
 * a query in the URL makes Node load another copy. Where that is not possible, in a bundle, the old instance stays: it
 * answers, but each panic has cost it some of its stack.
 */
export function replaceReaderWasm(panicked: ParquetWasm): void {
  panics++
  if (panics < MAX_INSTANCES) current = freshInstance(panics).catch(() => panicked)
}

async function freshInstance(number: number): Promise<ParquetWasm> {
  const url = pathToFileURL(resolvePackage('parquet-wasm/esm', import.meta.url))
  const [module, copy] = await Promise.all([
    parquetWasmModule(),
    import(`${url.href}?instance=${number}`) as Promise<ParquetWasm>,
  ])
  copy.initSync({ module })
  return copy
}
