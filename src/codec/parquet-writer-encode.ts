/** One row group through parquet-wasm, as a Parquet file of its own: here, or beside this thread. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { DataShardError } from '../errors.ts'
import { SideThread } from './side-thread.ts'
import type { ParquetWasm } from './wasm.ts'
import { loadParquetWasm, parquetWasmModule } from './wasm.ts'

/** parquet-wasm's settings, as data. */
export interface EncodeSettings {
  readonly codec: keyof ParquetWasm['Compression']
  /** Bytes of a data page before compression, about; undefined: parquet-wasm's default. */
  readonly pageBytes: number | undefined
  /** Columns at the top that get no dictionary. */
  readonly plainColumns: readonly string[]
}

/** Encodes here. @throws `internal` if parquet-wasm cannot. */
export function encodeHere(wasm: ParquetWasm, stream: Uint8Array, settings: EncodeSettings): Uint8Array {
  try {
    let builder = new wasm.WriterPropertiesBuilder()
      .setCompression(wasm.Compression[settings.codec])
      .setStatisticsEnabled(wasm.EnabledStatistics.Chunk)
      .setMaxRowGroupSize(MAX_ROWS)
    if (settings.pageBytes !== undefined) builder = builder.setDataPageSizeLimit(settings.pageBytes)
    for (const name of settings.plainColumns) builder = builder.setColumnDictionaryEnabled(name, false)
    return wasm.writeParquet(wasm.Table.fromIPCStream(stream), builder.build())
  } catch (error) {
    throw new DataShardError('internal', `parquet-wasm could not encode a row group: ${String(error)}`, {
      cause: error,
    })
  }
}

/** One row group whatever it holds: where it ends was decided before. */
const MAX_ROWS = 2 ** 31 - 1

/** As {@link encodeHere}, which must not be called again after a panic: then the thread ends. */
const PROGRAM = `
const wasm = await import(workerData.url)
wasm.initSync({ module: workerData.module })
return ({ memory, length, settings: { codec, pageBytes, plainColumns } }) => {
  try {
    let builder = new wasm.WriterPropertiesBuilder()
      .setCompression(wasm.Compression[codec])
      .setStatisticsEnabled(wasm.EnabledStatistics.Chunk)
      .setMaxRowGroupSize(${MAX_ROWS})
    if (pageBytes !== undefined) builder = builder.setDataPageSizeLimit(pageBytes)
    for (const name of plainColumns) builder = builder.setColumnDictionaryEnabled(name, false)
    const file = wasm.writeParquet(wasm.Table.fromIPCStream(memory.subarray(0, length)), builder.build())
    return { result: { file, memory }, transfer: [file.buffer, memory.buffer] }
  } catch {
    process.exit()
  }
}
`

/** Row groups that the thread has, at most: each is some megabytes, and another one is better encoded here than waited for. */
export const MAX_WAITING = 2

/** Started when it is first asked for. */
let thread: Promise<SideThread | undefined> | undefined

/** Whether a row group can be encoded beside this thread now. The first call starts what does it. */
export async function canEncodeBeside(): Promise<boolean> {
  thread ??= startThread()
  const started = await thread
  return started !== undefined && started.isReady && started.waiting < MAX_WAITING
}

/** What the thread made, and the memory that it was lent. */
export interface EncodedBeside {
  readonly file: Uint8Array
  readonly memory: Uint8Array<ArrayBuffer>
}

/**
 * Encodes beside this thread, which `memory` is taken from meanwhile.
 *
 * @param memory Begins with a stream of `length` bytes.
 * @returns undefined if that cannot be done: the caller then does it itself.
 */
export async function encodeBeside(
  memory: Uint8Array<ArrayBuffer>,
  length: number,
  settings: EncodeSettings,
): Promise<EncodedBeside | undefined> {
  return (await (await thread)?.run({ memory, length, settings }, [memory.buffer])) as EncodedBeside | undefined
}

async function startThread(): Promise<SideThread | undefined> {
  const module = await parquetWasmModule()
  return SideThread.start(PROGRAM, () => {
    const path = createRequire(import.meta.url).resolve('parquet-wasm/esm')
    return { module, url: pathToFileURL(path).href }
  })
}
