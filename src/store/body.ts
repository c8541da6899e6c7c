/** Bodies of puts: bytes, or streams of them. */
import { DataShardError, throwIfAborted } from '../errors.ts'
import type { PutBody } from './store.ts'

/** One array of all chunks; copies, unless there is only one. */
export function joinChunks(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/** The chunks of a body, each checked to be one; stops between two of them when the signal fires. */
export async function* chunksOf(
  body: PutBody,
  what: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body instanceof Uint8Array) {
    yield body
    return
  }
  if (typeof body?.[Symbol.asyncIterator] !== 'function') throw notBytes(body, what)
  for await (const chunk of body) {
    throwIfAborted(signal, what)
    if (!(chunk instanceof Uint8Array)) throw notBytes(chunk, what)
    // Nothing to write, and an empty chunk ends some streams.
    if (chunk.length > 0) yield chunk
  }
}

function notBytes(found: unknown, what: string): DataShardError {
  const type = found === null ? 'null' : typeof found
  return new DataShardError(
    'invalid-argument',
    `${what}: found ${type} as a body, expected Uint8Array or a stream of them`,
  )
}
