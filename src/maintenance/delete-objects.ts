/** Deleting many objects of which the order does not matter. */
import type { Place } from '../commit/place.ts'
import type { ObjectInfo } from '../store/store.ts'

/** What one request to S3 takes. */
const BATCH = 1_000

/** One request per 1,000 objects. */
export async function deleteObjects(
  place: Place,
  objects: readonly ObjectInfo[],
  signal: AbortSignal | undefined,
  onDeleted: (count: number) => void,
): Promise<void> {
  for (let at = 0; at < objects.length; at += BATCH) {
    const batch = objects.slice(at, at + BATCH)
    const keys = batch.map(({ key }) => key)
    await place.store.delete(keys, { signal })
    onDeleted(batch.length)
  }
}
