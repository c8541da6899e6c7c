/** Objects under names that nobody else uses. */
import { DataShardError } from '../errors.ts'
import type { TableFiles } from '../store/table-files.ts'

/** A name that is used once: an overwrite that is repeated does no harm, so the store may retry it. One request. */
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
