/** Objects that are written once under a name of their own, before the version that names them. */
import { DataShardError } from '../errors.ts'
import type { TableFiles } from '../store/table-files.ts'

/** A name that is used once: an overwrite that is repeated does no harm, so the store may retry it. */
export async function putUnique(
  files: TableFiles,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const result = await files.store.put(key, bytes, { mode: 'overwrite', signal })
  if (result.outcome === 'written') return
  const cause = result.outcome === 'unknown' ? result.cause : undefined
  throw new DataShardError('unavailable', `${key} could not be written (${result.outcome})`, { cause })
}

/** As Promise.all, but a failure is told when all have ended: who then cleans up must not be overtaken by a late write. */
export async function allEnded<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
): Promise<{ [I in keyof T]: Awaited<T[I]> }> {
  await Promise.allSettled(promises)
  return Promise.all(promises) as Promise<{ [I in keyof T]: Awaited<T[I]> }>
}
