/** Bytes as they stream by: their beginning, to tell a format by it, and gzip unpacked. */
import { type Readable, pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DataShardError } from '../errors.ts'

const NEWLINE = 0x0a

/** Whether bytes begin as gzip does. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

/** @throws DataShardError `corrupt` for what cannot be unpacked, `aborted`. */
export async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const unpacked = pipeline(chunks, createGunzip({ chunkSize: 256 * 1024 }), () => {}) as unknown as Readable
  try {
    for await (const chunk of unpacked) yield chunk as Uint8Array
  } catch (error) {
    if (DataShardError.is(error)) throw error
    if (signal.aborted) throw new DataShardError('aborted', `reading ${name} was cancelled`, { cause: signal.reason })
    const why = error instanceof Error ? error.message : String(error)
    throw new DataShardError('corrupt', `${name} begins like gzip but cannot be unpacked: ${why}`, { cause: error })
  }
}

/**
 * The first bytes, and an iterable that still yields all of them. No more is waited for than is needed: an endless input
 * may be slow.
 */
export async function peek(
  chunks: AsyncIterable<Uint8Array>,
  wanted: number,
): Promise<{ head: Uint8Array; chunks: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]()
  const read: Uint8Array[] = []
  let length = 0
  while (length < wanted && !read.some((chunk) => chunk.includes(NEWLINE))) {
    const next = await iterator.next()
    if (next.done === true) break
    read.push(next.value)
    length += next.value.byteLength
  }
  const head = new Uint8Array(Buffer.concat(read))
  const all = (async function* () {
    yield* read.splice(0)
    yield* { [Symbol.asyncIterator]: () => iterator }
  })()
  return { head, chunks: all }
}
