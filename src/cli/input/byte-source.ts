/** Where input comes from: files or stdin, as chunks of bytes, gzip unpacked wherever its magic number is found. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Readable, addAbortSignal } from 'node:stream'
import { DataShardError } from '../../errors.ts'
import { gunzip, isGzip, peek } from '../../input/unpack-gzip.ts'

/** Enough of the beginning to tell a format by its magic number. */
const MAGIC_BYTES = 8

export interface ByteSource {
  /** As messages name it: the path as it was given, or `stdin`. */
  readonly name: string
  /** The path of a file that is not compressed, for formats that are read by range. */
  readonly path?: string
  /** The first bytes, unpacked: what came in first, and at least a line or eight bytes unless there are fewer. */
  readonly head: Uint8Array
  /** All bytes, those of `head` included, unpacked. To be read once. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Gives up reading `chunks`. */
  close(): Promise<void>
}

export interface SourceOptions {
  readonly stdin: Readable
  readonly signal: AbortSignal
  /** Called with the length of each chunk as it is read, before it is unpacked. */
  readonly onBytes?: (bytes: number) => void
}

/**
 * Opens a file, or stdin for `-`.
 *
 * @throws DataShardError `not-found` and `denied` for files that cannot be opened, `aborted` while reading.
 */
export async function openSource(path: string, options: SourceOptions): Promise<ByteSource> {
  const name = path === '-' ? 'stdin' : path
  const raw = path === '-' ? options.stdin : await openFile(path)
  addAbortSignal(options.signal, raw)
  const counted = (async function* () {
    for await (const chunk of readable(raw, name, options.signal)) {
      options.onBytes?.(chunk.byteLength)
      yield chunk
    }
  })()
  const packed = await peek(counted, 2)
  const isPacked = isGzip(packed.head)
  const { head, chunks } = await peek(
    isPacked ? gunzip(packed.chunks, name, options.signal) : packed.chunks,
    MAGIC_BYTES,
  )
  const close = async () => void raw.destroy()
  return { name, head, chunks, close, ...(path !== '-' && !isPacked ? { path } : {}) }
}

async function openFile(path: string): Promise<Readable> {
  try {
    const handle = await open(path)
    const facts = await handle.stat()
    if (facts.isDirectory()) {
      await handle.close()
      throw new DataShardError('invalid-argument', `'${path}' is a directory; name the files to append`)
    }
    return createReadStream(path, { fd: handle, highWaterMark: 1024 * 1024 })
  } catch (error) {
    throw fileError(error, path)
  }
}

/** A failure of the file system as a message for whoever named the file. */
export function fileError(error: unknown, path: string): unknown {
  if (DataShardError.is(error)) return error
  const code = (error as { code?: string }).code
  if (code === 'ENOENT') return new DataShardError('not-found', `there is no file '${path}'`, { cause: error })
  if (code === 'EACCES' || code === 'EPERM') {
    return new DataShardError('denied', `'${path}' may not be read by this user`, { cause: error })
  }
  return error
}

async function* readable(stream: Readable, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as Uint8Array
  } catch (error) {
    if (signal.aborted) throw new DataShardError('aborted', `reading ${name} was cancelled`, { cause: signal.reason })
    throw fileError(error, name)
  }
}
