/** One row group through parquet-wasm, as a Parquet file of its own: here, or beside this thread. */
import { pathToFileURL } from 'node:url'
import { DataShardError } from '../errors.ts'
import { resolvePackage } from './resolve-package.ts'
import { SharedSlots } from './shared-slots.ts'
import { LazyThread, SideThread } from './side-thread.ts'
import type { ParquetWasm } from './wasm.ts'
import { parquetWasmModule } from './wasm.ts'

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
const wasm = await import(data.url)
wasm.initSync({ module: data.module })
return ({ stream, settings: { codec, pageBytes, plainColumns } }) => {
  try {
    let builder = new wasm.WriterPropertiesBuilder()
      .setCompression(wasm.Compression[codec])
      .setStatisticsEnabled(wasm.EnabledStatistics.Chunk)
      .setMaxRowGroupSize(${MAX_ROWS})
    if (pageBytes !== undefined) builder = builder.setDataPageSizeLimit(pageBytes)
    for (const name of plainColumns) builder = builder.setColumnDictionaryEnabled(name, false)
    const result = wasm.writeParquet(wasm.Table.fromIPCStream(stream), builder.build())
    return { result, transfer: [result.buffer] }
  } catch {
    process.exit()
  }
}
`

/** Streams of the row groups that the thread has: more of them, and larger ones, are better encoded here than waited for. */
const slots = new SharedSlots(2, 32 * 1024 * 1024)

const thread = new LazyThread(startThread)

/** Starts what encodes beside this thread, unless it is there. */
export function startEncodeThread(): void {
  thread.start()
}

/** Whether a row group can be encoded beside this thread now. */
export function canEncodeBeside(): boolean {
  return thread.isReady
}

/**
 * Encodes beside this thread.
 *
 * @param layOut Lays the row group out as an Arrow stream, in memory that it asks for.
 * @returns undefined if there is no room for it; its promise is of undefined if that could not be done. Then the caller does it itself.
 */
export function encodeBeside(
  layOut: (allocate: (size: number) => Uint8Array | undefined) => Uint8Array | undefined,
  settings: EncodeSettings,
): Promise<Uint8Array | undefined> | undefined {
  let memory: Uint8Array<SharedArrayBuffer> | undefined
  const stream = layOut((size) => (memory = slots.take(size)))
  if (stream === undefined) return undefined
  return thread.run({ stream, settings }).finally(() => slots.giveBack(memory!)) as Promise<Uint8Array | undefined>
}

async function startThread(): Promise<SideThread | undefined> {
  const module = await parquetWasmModule()
  return SideThread.start(PROGRAM, () => {
    const path = resolvePackage('parquet-wasm/esm', import.meta.url)
    return { module, url: pathToFileURL(path).href }
  })
}
