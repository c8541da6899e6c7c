/** Opening a table that exists. */
import { warmUp } from '../codec/wasm.ts'
import { decodeVersion } from '../commit/document.ts'
import { sighting } from '../commit/custody.ts'
import { findHead } from '../commit/head.ts'
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import { isMetadataFile } from '../commit/version.ts'
import { DataShardError } from '../errors.ts'
import { takeSignal } from '../runtime.ts'
import { checkOptions } from '../spec/option-names.ts'
import { catalogMetadata } from './catalog-metadata.ts'
import type { OpenOptions } from './open-place.ts'
import { openPlace } from './open-place.ts'
import { OPEN_OPTIONS } from './option-names.ts'
import { Table } from './table.ts'

/**
 * Opens the table at a location, or, read-only, the state that one metadata file of any Iceberg table describes
 * (`s3://b/t/metadata/00003-....metadata.json`). Requests: 3 (hint, next version, head), or 1 for a metadata file.
 *
 * Errors: `not-found` when no table is there or it was dropped; `corrupt` naming the damaged object; `unsupported` for a
 * format newer than v3; `denied`, `unavailable`.
 *
 * @example
 * ```ts
 * import { loadTable } from 'datashard'
 *
 * await using events = await loadTable('./events')
 * console.log(await events.scan().count())
 * ```
 */
export async function loadTable(location: string, options: OpenOptions = {}): Promise<Table> {
  checkOptions('loadTable', options, OPEN_OPTIONS)
  takeSignal(options.signal)
  const file = isMetadataFile(location) ? splitMetadataFile(location) : undefined
  const { place, store, ownsStore } = openPlace(file?.root ?? location, options)
  // Appends and scans need it; it loads while the first requests are on their way.
  warmUp()
  try {
    if (file) return await loadFile(place, file.name, options)
    const head = await findHead(place, undefined, options.signal)
    if (!head) throw await notThere(place)
    if (head.kind === 'tombstone') {
      throw new DataShardError(
        'not-found',
        `the table at ${place.location} was dropped at ${new Date(head.tombstone.droppedAtMs).toISOString()}`,
        { details: { table: place.location, version: head.version } },
      )
    }
    return Table.open(place, head, options)
  } catch (error) {
    if (ownsStore) store.close()
    throw error
  }
}

/** The folder above `metadata/` is the table's; a file that lies elsewhere has its own folder for a root. */
function splitMetadataFile(location: string): { root: string; name: string } {
  const match = /^(.*?)\/?(metadata\/[^/]+)$/.exec(location)
  if (match) return { root: match[1] === '' ? (location.startsWith('/') ? '/' : '.') : match[1]!, name: match[2]! }
  const at = location.lastIndexOf('/')
  return { root: at < 0 ? '.' : location.slice(0, at), name: location.slice(at + 1) }
}

async function loadFile(place: Place, name: string, options: OpenOptions): Promise<Table> {
  const key = keyIn(place, name)
  const bytes = await place.store.get(key, { signal: options.signal })
  if (!bytes) throw new DataShardError('not-found', `there is no metadata file ${place.store.urlOf(key)}`)
  const document = decodeVersion(bytes, place.store.urlOf(key))
  if (document.kind === 'tombstone') {
    throw new DataShardError('not-found', `${place.store.urlOf(key)} says that the table was dropped`)
  }
  return Table.readOnly(place, { ...document, version: 0, form: 'plain', seen: sighting(place.runtime) }, options)
}

/** What is there instead of a table, so that the message can say what to do. One request. */
async function notThere(place: Place): Promise<DataShardError> {
  const newest = await catalogMetadata(place)
  const next = newest
    ? `its versions are named by a catalog; open one of them, read-only, such as ${place.store.urlOf(newest)}`
    : 'create it with createTable, or check the location'
  return new DataShardError('not-found', `there is no table at ${place.location}: ${next}`, {
    details: { table: place.location },
  })
}
