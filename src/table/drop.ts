/** Dropping a table: a tombstone is committed as its next version, then everything else is deleted. */
import { createVersion } from '../commit/create-version.ts'
import { encodeTombstone } from '../commit/document.ts'
import { findHead } from '../commit/head.ts'
import { HintWriter } from '../commit/hint.ts'
import type { Place } from '../commit/place.ts'
import { keyIn, storeNow } from '../commit/place.ts'
import { HINT_NAME, versionName } from '../commit/version.ts'
import { DataShardError } from '../errors.ts'
import { takeSignal, uuid } from '../runtime.ts'
import type { OpenOptions } from './open-place.ts'
import { openPlace } from './open-place.ts'

export interface DropTableOptions extends OpenOptions {
  /** Do nothing when there is no table. Default false: `not-found`. */
  readonly ifExists?: boolean
  /** Called after each batch of deleted objects with how many are gone so far. */
  readonly onProgress?: (progress: { readonly deletedObjects: number }) => void
}

const DELETE_BATCH = 1_000
const MAX_ATTEMPTS = 100
const TIMEOUT_MS = 30_000

/**
 * Drops the table: nobody can append to it or read its newest state any more from the moment the tombstone is committed;
 * then all objects under its `data/` and `metadata/` are deleted but the tombstone and the hint. These two stay so that
 * numbers never start again: a writer that slept through the drop would otherwise plant its version in the next table's
 * future. A table created here later goes on with the next number.
 *
 * Requests: 4 for the tombstone, then one list, one look and one delete per 1,000 objects. A drop that was interrupted
 * while it deleted is finished by calling it again. If a table is created here before the deleting is done, it ends there:
 * what it had not deleted yet stays, as orphans of the new table. Empty directories stay on a local disk: removing them
 * could take them from under a writer.
 *
 * Errors: `not-found`, `denied`, `commit-contention`, `commit-unknown`.
 *
 * @example
 * ```ts
 * import { dropTable } from 'datashard'
 *
 * await dropTable('./events', { ifExists: true })
 * ```
 */
export async function dropTable(location: string, options: DropTableOptions = {}): Promise<void> {
  takeSignal(options.signal)
  const { place, store, ownsStore } = openPlace(location, options)
  try {
    const version = await bury(place, options)
    if (version !== undefined) await deleteRest(place, version, options)
  } finally {
    if (ownsStore) store.close()
  }
}

/** The tombstone's version; undefined when there is nothing to drop. */
async function bury(place: Place, options: DropTableOptions): Promise<number | undefined> {
  let head = await findHead(place, undefined, options.signal)
  const deadlineMs = place.runtime.monotonic() + TIMEOUT_MS
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    if (head?.kind === 'tombstone' && attempt === 1 && (await hasLeftovers(place, head.version))) return head.version
    if (!head || head.kind === 'tombstone') {
      if (options.ifExists || attempt > 1) return undefined
      throw new DataShardError('not-found', `there is no table at ${place.location} to drop`)
    }
    const nonce = uuid(place.runtime)
    const version = head.version + 1
    const grave = { tableUuid: head.metadata.tableUuid, droppedAtMs: storeNow(place) }
    const bytes = encodeTombstone(grave, nonce)
    const created = await createVersion(place, {
      base: head,
      version,
      bytes,
      nonce,
      deadlineMs,
      signal: options.signal,
    })
    if (created.outcome === 'won') {
      const hint = new HintWriter(place)
      hint.raise(version)
      await hint.flush()
      return version
    }
    head = await findHead(place, created.outcome === 'lost' ? created.next : undefined, options.signal)
  }
  throw new DataShardError('commit-contention', `dropping ${place.location} lost to other writers; try again`)
}

async function hasLeftovers(place: Place, version: number): Promise<boolean> {
  for await (const key of doomed(place, version)) return key !== undefined
  return false
}

async function deleteRest(place: Place, version: number, options: DropTableOptions): Promise<void> {
  let batch: string[] = []
  let deletedObjects = 0
  const flush = async () => {
    // Looked for after the batch was listed: while no newer version is there, nothing in it can be a newer table's.
    if (await place.store.head(keyIn(place, versionName(version + 1)), { signal: options.signal })) return false
    await place.store.delete(batch, { signal: options.signal })
    deletedObjects += batch.length
    batch = []
    options.onProgress?.({ deletedObjects })
    return true
  }
  for await (const key of doomed(place, version, options.signal)) {
    batch.push(key)
    if (batch.length === DELETE_BATCH && !(await flush())) return
  }
  if (batch.length > 0) await flush()
}

async function* doomed(place: Place, tombstoneVersion: number, signal?: AbortSignal): AsyncIterable<string> {
  const keep = new Set([HINT_NAME, versionName(tombstoneVersion)].map((name) => keyIn(place, name)))
  for (const folder of ['data/', 'metadata/']) {
    for await (const { key } of place.store.list(keyIn(place, folder), { signal })) {
      if (!keep.has(key)) yield key
    }
  }
}
