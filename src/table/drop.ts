/** Dropping a table: a tombstone is committed as its next version, then everything else is deleted. */
import { createVersion } from '../commit/create-version.ts'
import { CUSTODY_MS } from '../commit/custody.ts'
import { Hold } from '../commit/hold.ts'
import { encodeTombstone } from '../commit/document.ts'
import { findHead } from '../commit/head.ts'
import type { Place } from '../commit/place.ts'
import { keyIn, nameIn, storeNow } from '../commit/place.ts'
import type { VersionName } from '../commit/version.ts'
import { HINT_NAME, parseVersionName, versionName } from '../commit/version.ts'
import { DataShardError } from '../errors.ts'
import { takeSignal, uuid } from '../runtime.ts'
import { checkFlag, checkOptions } from '../spec/option-names.ts'
import type { ObjectInfo } from '../store/store.ts'
import type { OpenOptions } from './open-place.ts'
import { openPlace } from './open-place.ts'
import { DROP_OPTIONS } from './option-names.ts'
import type { ListedVersion, RaisedHint } from './superseded.ts'
import { deleteSeenGone, raiseHint, supersededVersions } from './superseded.ts'

export interface DropTableOptions extends OpenOptions {
  /** Do nothing when there is no table. Default false: `not-found`. */
  readonly ifExists?: boolean
  /** Called with 0 when the table is dropped, and after each batch of deleted objects with how many are gone so far. */
  readonly onProgress?: (progress: { readonly deletedObjects: number }) => void
}

const DELETE_BATCH = 1_000
const MAX_ATTEMPTS = 100
/** Then the others are asked for room: versions may come as fast as the newest one is found. */
const LOSSES_BEFORE_HOLD = 2
const TIMEOUT_MS = 30_000
/**
 * Versions stay so long after they were superseded: a writer may find a head at the end of one custody period and build
 * on it until the end of another. The third is for clocks that differ.
 */
const KEPT_MS = 3 * CUSTODY_MS

/**
 * Drops the table: nobody can append to it or read its newest state any more from the moment the tombstone is committed.
 * Then all objects under its `data/` and `metadata/` are deleted but the tombstone, the hint, and the versions of the last
 * three minutes. The first two stay so that numbers never start again: a writer that slept through the drop would otherwise
 * plant its version in the next table's future. The versions stay because writers that know them are still about to find
 * the tombstone: it must not be that they create one that was deleted. Dropping again later deletes these, as does a sweep
 * of the next table. A table created here later goes on with the next number.
 *
 * Requests: 4 for the tombstone, then one list, one look and one delete per 1,000 objects; 5 for the hint, and one per old
 * version. Where old versions are deleted it takes 5 seconds at least, so that all have seen the new hint. A drop
 * that was interrupted while it deleted is finished by calling it again. If a table is created here before the deleting is
 * done, it ends there: what it had not deleted yet stays, as orphans of the new table. Empty directories stay on a local
 * disk: removing them could take them from under a writer.
 *
 * Errors: `not-found`, also when there is nothing left of a dropped table that could be deleted; `denied`,
 * `commit-contention`, `commit-unknown`, `unavailable`.
 *
 * @example
 * ```ts
 * import { dropTable } from 'datashard'
 *
 * await dropTable('./events', { ifExists: true })
 * ```
 */
export async function dropTable(location: string, options: DropTableOptions = {}): Promise<void> {
  checkOptions('dropTable', options, DROP_OPTIONS)
  checkFlag('dropTable', 'ifExists', options.ifExists)
  takeSignal(options.signal)
  const { place, store, ownsStore } = openPlace(location, options)
  try {
    const buried = await bury(place, options)
    if (buried?.isNew) options.onProgress?.({ deletedObjects: 0 })
    const deletedObjects = buried === undefined ? 0 : await new Clearing(place, buried.version, options).run()
    if (options.ifExists || buried?.isNew || deletedObjects > 0 || buried?.byOther) return
    throw new DataShardError('not-found', `there is no table at ${place.location} to drop`)
  } finally {
    if (ownsStore) store.close()
  }
}

interface Buried {
  /** The tombstone's. */
  readonly version: number
  /** Whether this call committed it. */
  readonly isNew: boolean
  /** Whether another drop committed it while this one tried. */
  readonly byOther: boolean
}

/** The tombstone; undefined when no table was ever there. */
async function bury(place: Place, { signal }: DropTableOptions): Promise<Buried | undefined> {
  let head = await findHead(place, undefined, signal)
  const deadlineMs = place.runtime.monotonic() + TIMEOUT_MS
  const hold = new Hold(place)
  try {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      if (!head) return undefined
      if (head.kind === 'tombstone') return { version: head.version, isNew: false, byOther: attempt > 1 }
      const nonce = uuid(place.runtime)
      const version = head.version + 1
      const grave = { tableUuid: head.metadata.tableUuid, droppedAtMs: storeNow(place) }
      const bytes = encodeTombstone(grave, nonce)
      const created = await createVersion(place, { base: head, version, bytes, nonce, deadlineMs, signal })
      if (created.outcome === 'won') return { version, isNew: true, byOther: false }
      if (attempt >= LOSSES_BEFORE_HOLD) await hold.ask()
      head = await findHead(place, created.outcome === 'lost' ? created.next : undefined, signal)
    }
  } finally {
    await hold.release()
  }
  throw new DataShardError('commit-contention', `dropping ${place.location} lost to other writers; try again`)
}

/** Deletes what a tombstone leaves behind. */
class Clearing {
  readonly #place: Place
  readonly #tombstone: number
  readonly #options: DropTableOptions
  #deletedObjects = 0

  constructor(place: Place, tombstone: number, options: DropTableOptions) {
    this.#place = place
    this.#tombstone = tombstone
    this.#options = options
  }

  /** How many objects are gone. */
  async run(): Promise<number> {
    const { signal } = this.#options
    const hint = await raiseHint(this.#place, this.#tombstone, signal)
    const versions: ListedVersion[] = []
    let batch: string[] = []
    for await (const { version, info } of this.#list()) {
      if (version) {
        versions.push({ ...version, info })
        continue
      }
      batch.push(info.key)
      if (batch.length < DELETE_BATCH) continue
      if (!(await this.#delete(batch))) return this.#deletedObjects
      batch = []
    }
    if (batch.length > 0 && !(await this.#delete(batch))) return this.#deletedObjects
    await this.#deleteVersions(versions, hint)
    return this.#deletedObjects
  }

  async *#list(): AsyncIterable<{ readonly version: VersionName | undefined; readonly info: ObjectInfo }> {
    const place = this.#place
    for (const folder of ['data/', 'metadata/']) {
      for await (const info of place.store.list(keyIn(place, folder), { signal: this.#options.signal })) {
        const name = nameIn(place, info.key)
        if (name !== HINT_NAME) yield { version: parseVersionName(name), info }
      }
    }
  }

  async #deleteVersions(listed: readonly ListedVersion[], hint: RaisedHint): Promise<void> {
    const { signal } = this.#options
    const versions = listed.toSorted((a, b) => a.version - b.version)
    const old = supersededVersions(versions, hint.version, storeNow(this.#place) - KEPT_MS)
    if (old.length === 0) return
    await hint.settled(signal)
    for (let at = 0; at < old.length; at += DELETE_BATCH) {
      const keys = old.slice(at, at + DELETE_BATCH).map(({ info }) => info.key)
      await deleteSeenGone(this.#place, keys, signal)
      this.#advance(keys.length)
    }
  }

  /** Looked for after the batch was listed: while no newer version is there, nothing in it can be a newer table's. */
  async #delete(keys: readonly string[]): Promise<boolean> {
    const { signal } = this.#options
    const next = keyIn(this.#place, versionName(this.#tombstone + 1))
    if (await this.#place.store.head(next, { signal })) return false
    await this.#place.store.delete(keys, { signal })
    this.#advance(keys.length)
    return true
  }

  #advance(by: number): void {
    this.#deletedObjects += by
    this.#options.onProgress?.({ deletedObjects: this.#deletedObjects })
  }
}
