/**
 * The clean-up that the commit protocol needs (commit-protocol, "Deletion"): old versions, what is left over in the inbox,
 * claims that nobody may ask for any more, files that nothing names. Appends never do it, and never wait for it.
 *
 * Everything is listed first, then the head is read, then all that its snapshots name; only when all of that could be read
 * does anything go. So nothing that was committed before is mistaken for an orphan, and what is committed meanwhile
 * is protected by its age.
 */
import type { TableHead } from '../commit/head.ts'
import { findHead, readVersion } from '../commit/head.ts'
import type { Place } from '../commit/place.ts'
import { storeNow } from '../commit/place.ts'
import { DataShardError, unsupported } from '../errors.ts'
import { takeSignal } from '../runtime.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'
import { checkWritable } from '../spec/properties.ts'
import type { ObjectInfo } from '../store/store.ts'
import { tableFiles } from '../store/table-files.ts'
import type { OpenOptions } from '../table/open-place.ts'
import { openPlace } from '../table/open-place.ts'
import type { ListedVersion } from '../table/superseded.ts'
import { raiseHint } from '../table/superseded.ts'
import { movedFrom, Table } from '../table/table.ts'
import type { SweepAges } from './ages.ts'
import { checkAges } from './ages.ts'
import { deleteObjects } from './delete-objects.ts'
import { cancelIntents, closedIntents, forgottenHolds, forgottenIntents } from './inbox-leftovers.ts'
import type { Inventory, Tally } from './inventory.ts'
import { takeInventory } from './inventory.ts'
import { walkNamed } from './named-files.ts'
import { closedArchives, closedClaims, deleteClaims, restoreFirst } from './old-claims.ts'
import { deleteVersions, headAt, sweepable } from './old-versions.ts'

export interface SweepOptions extends Pick<OpenOptions, 'store' | 's3' | 'signal' | 'runtime'> {
  /** Delete and commit nothing, only say what would be. Default false. */
  readonly dryRun?: boolean
  /** Other ages than the default ones, milliseconds; none below what is safe. */
  readonly minAgeMs?: SweepAges
  /** Called now and then with how far it is. */
  readonly onProgress?: (progress: SweepProgress) => void
}

const SWEEP_OPTIONS: OptionNames<SweepOptions> = {
  dryRun: true,
  minAgeMs: true,
  onProgress: true,
  store: true,
  s3: true,
  signal: true,
  runtime: true,
}

export interface SweepProgress {
  readonly listedObjects: number
  /** Manifest lists and manifests. */
  readonly readManifests: number
  readonly deletedObjects: number
}

/** Objects and their bytes. */
export interface SweptKind {
  readonly objects: number
  readonly bytes: number
}

/** Plain data: it can be written as JSON. With `dryRun`, what would have been deleted. */
export interface SweepResult {
  readonly location: string
  /** The head by which it was decided. */
  readonly version: number
  readonly dryRun: boolean
  /** All kinds together. */
  readonly objects: number
  readonly bytes: number
  readonly versions: SweptKind
  /** Intents that no version can fold any more, and requests for room whose owner is gone. */
  readonly inbox: SweptKind
  /** Of idempotency keys beyond the horizon. */
  readonly claims: SweptKind
  /** Ledgers of deleted versions that no claim can ask for any more. */
  readonly archives: SweptKind
  /** Data files, manifests and manifest lists that no snapshot names. */
  readonly orphans: SweptKind
  /** Versions whose ledgers were put into an archive; 0 in a dry run. */
  readonly archivedLedgers: number
  /** Forgotten appends that were committed as cancelled; a later sweep deletes them. */
  readonly cancelledIntents: number
  /** What a sweep does not know or never touches: statistics, objects of other software. */
  readonly leftAlone: SweptKind
}

/**
 * Deletes what a table does not need any more, beside any number of writers and readers. Give it a location or an open table;
 * once a day is often enough. Two at once do no harm.
 *
 * Never deleted are: what a snapshot of the newest version names, or one of the version that was the newest 24 h ago (so that
 * readers have a day); the newest versions; statistics; anything outside of `data/` and `metadata/`; kinds of files that it
 * does not know. An append or transaction that takes longer than 20 hours from its first file to its commit fails for this
 * reason. Parquet files that have lain under the table's location for `minAgeMs.orphans` are orphans until they are
 * appended: do not sweep while `appendFiles` is about to do that.
 *
 * Requests: one list per 1,000 objects, one get per snapshot and manifest, two per deleted version, one delete per 1,000
 * objects; where claims go, two more lists of all claims. Memory: about 300 bytes per object that is older than a day.
 *
 * Errors: `not-found`; `corrupt` if a snapshot, manifest list or manifest cannot be read, `unsupported` if it is encrypted, if
 * `gc.enabled` is `false`, or if the table cannot be written to: nothing has been deleted then. `invalid-argument` for an age
 * below its minimum. `denied`, `unavailable`, `aborted`: some objects may have been deleted, and the next sweep goes on.
 *
 * @example
 * ```ts
 * import { createTable, schema, t } from 'datashard'
 * import { sweep } from 'datashard/maintenance'
 *
 * await using events = await createTable('./swept', { schema: schema({ id: t.string }), ifNotExists: true })
 * const { objects, bytes } = await sweep(events, { dryRun: true })
 * console.log(`${objects} objects, ${bytes} bytes can go`)
 * ```
 */
export async function sweep(tableOrLocation: Table | string, options: SweepOptions = {}): Promise<SweepResult> {
  checkOptions('sweep', options, SWEEP_OPTIONS)
  takeSignal(options.signal)
  const ages = checkAges(options.minAgeMs)
  if (tableOrLocation instanceof Table) return new Sweep(Table.placeOf(tableOrLocation), options, ages).run()
  const { place, store, ownsStore } = openPlace(tableOrLocation, options)
  try {
    return await new Sweep(place, options, ages).run()
  } finally {
    if (ownsStore) store.close()
  }
}

class Sweep {
  readonly #place: Place
  readonly #options: SweepOptions
  readonly #ages: Required<SweepAges>
  readonly #progress = { listedObjects: 0, readManifests: 0, deletedObjects: 0 }

  constructor(place: Place, options: SweepOptions, ages: Required<SweepAges>) {
    this.#place = place
    this.#options = options
    this.#ages = ages
  }

  async run(): Promise<SweepResult> {
    const { tableUuid } = await this.#readHead()
    const nowMs = storeNow(this.#place)
    const inventory = await takeInventory({
      place: this.#place,
      tableUuid,
      orphansBeforeMs: nowMs - this.#ages.orphans,
      claimsBeforeMs: nowMs - this.#ages.claims,
      signal: this.#options.signal,
      onListed: () => this.#advance('listedObjects', 1),
    })
    // After the listing: what was committed before is in it, or too young.
    const head = await this.#head()
    if (head.metadata.tableUuid !== tableUuid) {
      throw new DataShardError('not-found', `the table at ${this.#place.location} was dropped and another one created`)
    }
    const unnamed = await this.#unnamed(inventory, head, nowMs)
    return this.#delete(inventory, head, unnamed, nowMs)
  }

  async #readHead(): Promise<TableMetadata> {
    const { metadata, form } = await this.#head()
    const { location } = this.#place
    checkWritable(metadata, location)
    if (form !== 'plain') unsupported(`${location} has compressed versions; a sweep takes plain ones only`)
    const moved = movedFrom(this.#place, metadata)
    if (moved !== undefined) unsupported(`${location} cannot be swept: ${moved}`)
    if (metadata.properties['gc.enabled']?.toLowerCase() === 'false') {
      unsupported(`${location} has gc.enabled=false: others rely on its files, so that none of them is deleted`)
    }
    return metadata
  }

  async #head(): Promise<TableHead> {
    const { location } = this.#place
    const head = await findHead(this.#place, undefined, this.#options.signal)
    if (head?.kind === 'table') return head
    const why = head ? 'was dropped' : 'does not exist'
    throw new DataShardError('not-found', `the table at ${location} ${why}; there is nothing to sweep`)
  }

  /** Of the files and intents those that no snapshot names. */
  async #unnamed(inventory: Inventory, head: TableHead, nowMs: number): Promise<ReadonlySet<string>> {
    const { store, prefix } = this.#place
    const keys = [...inventory.files, ...inventory.intents.map(({ info }) => info)].map(({ key }) => key)
    // A disk may hand names back in another Unicode form than the one that they were written in.
    const unnamed = new Map(keys.map((key) => [comparable(key), key]))
    const before = await this.#stateBefore(inventory.versions, head, nowMs)
    const walk = (states: readonly [TableMetadata, ...TableMetadata[]]) =>
      walkNamed({
        files: tableFiles(store, prefix, head.metadata.location),
        states,
        signal: this.#options.signal,
        onNamed: (key) => unnamed.delete(comparable(key)),
        onRead: () => this.#advance('readManifests', 1),
      })
    await walk(before ? [head.metadata, before] : [head.metadata]).catch(async (error: unknown) => {
      if (!before || !DataShardError.is(error, 'corrupt')) throw error
      // Damage to the table as it is now is what the error says; what only the state before misses was swept by somebody else.
      await walk([head.metadata])
      throw this.#overtaken(error)
    })
    return new Set(unnamed.values())
  }

  #overtaken(cause: DataShardError): DataShardError {
    return new DataShardError(
      'unavailable',
      `while ${this.#place.location} was swept, files went that the table named not long ago (another sweep, which began later or ` +
        `keeps less); nothing was deleted by this one, and the table as it is now misses nothing. Sweep again later`,
      { cause },
    )
  }

  /**
   * The table as it was when the oldest reader that is still served began. Snapshots that came and went since then need no
   * look: what they name is in one of the two states, or younger than the age of orphans.
   */
  async #stateBefore(
    versions: readonly ListedVersion[],
    head: TableHead,
    nowMs: number,
  ): Promise<TableMetadata | undefined> {
    const version = headAt(versions, head.version, nowMs - this.#ages.versions)
    if (version === head.version) return undefined
    const found = await readVersion(this.#place, version, 'plain', this.#options.signal)
    if (!found) {
      throw new DataShardError(
        'unavailable',
        `version ${version} of ${this.#place.location} vanished while the table was swept; nothing was deleted`,
      )
    }
    // Of an earlier table here nothing is left that could be served.
    return found.kind === 'table' && found.metadata.tableUuid === head.metadata.tableUuid ? found.metadata : undefined
  }

  async #delete(inventory: Inventory, head: TableHead, unnamed: ReadonlySet<string>, nowMs: number) {
    const { dryRun = false, signal } = this.#options
    const place = this.#place
    const ages = this.#ages
    const isUnnamed = ({ key }: ObjectInfo) => unnamed.has(key)
    const versionsBeforeMs = nowMs - ages.versions
    const forgotten = forgottenIntents(inventory.intents, head, nowMs)
    const cancels = forgotten.length > 0 && (dryRun || (await cancelIntents(place, head, forgotten, signal)))
    const hint = dryRun ? undefined : await raiseHint(place, head.version, signal)
    const versions = sweepable(inventory.versions, hint?.version ?? head.version, versionsBeforeMs)
    const closed = closedIntents(inventory.intents, head, versionsBeforeMs).filter(isUnnamed)
    const inbox = [...closed, ...forgottenHolds(inventory.holds, nowMs)]
    const orphans = inventory.files.filter(isUnnamed)
    let closedKeys = await closedClaims(place, inventory, head, signal)
    const swept = { versions: sum([]), inbox: sum(inbox), orphans: sum(orphans) }
    let archivedLedgers = 0
    let gone = versions
    if (hint) {
      for (const objects of [inbox, orphans]) await this.#deleteAll(objects)
      await restoreFirst(place, inventory.headlessClaims, signal)
      closedKeys = await deleteClaims(place, closedKeys, (objects) => this.#deleteAll(objects), signal)
      const deleted: ListedVersion[] = []
      const onDeleted = (batch: readonly ListedVersion[]) => {
        deleted.push(...batch)
        this.#advance('deletedObjects', batch.length)
      }
      if (versions.length > 0) await hint.settled(signal)
      archivedLedgers = await deleteVersions({ place, versions, archives: inventory.archives, signal, onDeleted })
      gone = deleted
    }
    const firstVersion = inventory.versions[gone.length]?.version ?? head.version
    const archives = closedArchives(inventory.archives, nowMs - ages.claims, closedKeys.oldestKeptMs, firstVersion)
    if (!dryRun) await this.#deleteAll(archives)
    const kinds = {
      ...swept,
      claims: sum(closedKeys.claims),
      versions: sum(gone.map(({ info }) => info)),
      archives: sum(archives),
    }
    return {
      location: place.location,
      version: head.version,
      dryRun,
      ...total(Object.values(kinds)),
      ...kinds,
      archivedLedgers,
      cancelledIntents: cancels ? forgotten.length : 0,
      leftAlone: { ...inventory.leftAlone },
    }
  }

  #deleteAll(objects: readonly ObjectInfo[]): Promise<void> {
    const onDeleted = (count: number) => this.#advance('deletedObjects', count)
    return deleteObjects(this.#place, objects, this.#options.signal, onDeleted)
  }

  #advance(what: keyof SweepProgress, by: number): void {
    this.#progress[what] += by
    // A listing goes through thousands of objects in a moment.
    if (what !== 'listedObjects' || this.#progress.listedObjects % 1_000 === 0) {
      this.#options.onProgress?.({ ...this.#progress })
    }
  }
}

function comparable(key: string): string {
  return key.normalize('NFC')
}

function sum(objects: readonly ObjectInfo[]): Tally {
  return { objects: objects.length, bytes: objects.reduce((bytes, { size }) => bytes + size, 0) }
}

function total(kinds: readonly Tally[]): Tally {
  return {
    objects: kinds.reduce((all, { objects }) => all + objects, 0),
    bytes: kinds.reduce((all, { bytes }) => all + bytes, 0),
  }
}
