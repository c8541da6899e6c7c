/** Creating a table: one conditional create of its first version. */
import { sighting } from '../commit/custody.ts'
import { createFirstVersion } from '../commit/first-version.ts'
import type { Head } from '../commit/head.ts'
import { findHead } from '../commit/head.ts'
import type { Place } from '../commit/place.ts'
import { storeNow } from '../commit/place.ts'
import { isMetadataFile } from '../commit/version.ts'
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import { takeSignal, uuid } from '../runtime.ts'
import type { SchemaDefinition, SchemaInput } from '../spec/builder.ts'
import { resolveSchema } from '../spec/builder.ts'
import { checkFlag, checkOptions } from '../spec/option-names.ts'
import { LAST_UNASSIGNED_PARTITION_ID } from '../spec/partition.ts'
import type { PartitionInput, SortInput } from '../spec/partition-builder.ts'
import { resolvePartitionSpec, resolveSortOrder } from '../spec/partition-builder.ts'
import { checkProperties } from '../spec/properties.ts'
import { newTableMetadata } from '../spec/updates.ts'
import { warmUp } from '../codec/wasm.ts'
import type { OpenOptions } from './open-place.ts'
import { openPlace } from './open-place.ts'
import { catalogMetadata } from './catalog-metadata.ts'
import { CREATE_OPTIONS } from './option-names.ts'
import { proveConditionalCreate } from './prove-store.ts'
import type { RowTypes } from './row-types.ts'
import { checkStorable } from './storable-schema.ts'
import { Table } from './table.ts'

const FORMAT_VERSION = 2

export interface CreateTableOptions<S extends SchemaInput = SchemaInput> extends OpenOptions {
  /** From `schema({...})`, or Iceberg's JSON form. */
  readonly schema: S
  /** `day('at')`, `bucket('id', 16)`, a column name, or text such as `'day(at)'`. Default: not partitioned. */
  readonly partitionBy?: readonly (PartitionInput | string)[]
  /** Columns by which the rows of each file are sorted: names, or `{ column, direction, nullOrder }`. */
  readonly sortBy?: readonly SortInput[]
  readonly properties?: Readonly<Record<string, string>>
  /** Return the table that is there already, whatever its schema, instead of failing. Default false. */
  readonly ifNotExists?: boolean
  /**
   * Do not race the store's conditional create before the table is created. It is done at every endpoint other than
   * AWS's own (320 small requests, once), because a store that ignores conditions loses commits silently.
   */
  readonly skipProbe?: boolean
}

/**
 * Creates a table: format v2, no rows. Requests: 3 to look whether one is there, 1 for its first version, 1 for the
 * hint; the proof of the store, where it is needed, comes on top.
 *
 * Errors: `already-exists`; `invalid-argument` for a schema, partitioning, property or location that cannot be;
 * `unsupported` when the store fails the proof; `not-found` for a missing bucket; `denied`.
 *
 * @example
 * ```ts
 * import { createTable, day, schema, t } from 'datashard'
 *
 * const events = await createTable('./events', {
 *   schema: schema({ id: t.string, at: t.timestamptz, amount: t.optional(t.decimal(12, 2)) }),
 *   partitionBy: [day('at')],
 *   ifNotExists: true,
 * })
 * await events.append([{ id: 'a', at: new Date(), amount: '12.50' }])
 * await events.close()
 * ```
 */
export async function createTable<S extends SchemaInput>(
  location: string,
  options: CreateTableOptions<S>,
): Promise<Table<S extends SchemaDefinition<infer In, infer Out> ? readonly [In, Out] : RowTypes>> {
  type Created = Table<S extends SchemaDefinition<infer In, infer Out> ? readonly [In, Out] : RowTypes>
  checkOptions<CreateTableOptions>('createTable', options ?? null, CREATE_OPTIONS)
  if (isMetadataFile(location)) invalid(`'${location}' is the name of a metadata file; create a table at a folder`)
  checkFlag('createTable', 'ifNotExists', options.ifNotExists)
  checkFlag('createTable', 'skipProbe', options.skipProbe)
  const design = resolveDesign(options)
  takeSignal(options.signal)
  throwIfAborted(options.signal, `creating ${String(location)}`)
  warmUp()
  const { place, store, ownsStore } = openPlace(location, options)
  try {
    const asked = sighting(place.runtime)
    const before = await findHead(place, undefined, options.signal)
    if (before?.kind === 'table') return existing(before) as Created
    if (!before) await refuseCatalogTable(place, options.signal)
    const proof = await proveConditionalCreate(place, options)
    const nowMs = storeNow(place)
    const metadata = newTableMetadata({
      ...design,
      tableUuid: uuid(place.runtime),
      location: place.location,
      properties: { ...design.properties, ...proof },
      nowMs,
    })
    const created = await createFirstVersion(place, before, asked, metadata, options.signal)
    if (created.won) return Table.open(place, created.head, options) as Created
    return existing(created.head) as Created
  } catch (error) {
    if (ownsStore) store.close()
    throw error
  }

  function existing(head: Head): Table {
    if (head.kind === 'table' && options.ifNotExists) return Table.open(place, head, options)
    if (head.kind === 'tombstone') {
      throw new DataShardError(
        'unavailable',
        `a table at ${place.location} was created and dropped just now; try again`,
      )
    }
    throw new DataShardError(
      'already-exists',
      `a table exists at ${place.location}; load it, or say ifNotExists: true to use it as it is`,
      { details: { table: place.location, version: head.version } },
    )
  }
}

/** Two tables in one place: engines would find the other one by the name of its files, and dropping ours destroys it. */
async function refuseCatalogTable(place: Place, signal: AbortSignal | undefined): Promise<void> {
  const found = await catalogMetadata(place, signal)
  if (found === undefined) return
  throw new DataShardError(
    'already-exists',
    `a table whose versions a catalog names lies at ${place.location} (${place.store.urlOf(found)}); create yours elsewhere`,
    { details: { table: place.location } },
  )
}

/** What the caller asks for, checked before any request. */
function resolveDesign(options: CreateTableOptions) {
  const schema = resolveSchema(options.schema)
  // A column that no row could fill is refused when the table is made, not at the first append.
  checkStorable(schema, FORMAT_VERSION)
  const spec = resolvePartitionSpec(options.partitionBy ?? [], schema, {
    specId: 0,
    lastPartitionId: LAST_UNASSIGNED_PARTITION_ID,
    reuse: [],
  })
  const sortBy = options.sortBy ?? []
  const sortOrder = resolveSortOrder(sortBy, schema, sortBy.length === 0 ? 0 : 1)
  const properties = options.properties ?? {}
  checkProperties(properties)
  return { schema, spec, sortOrder, properties }
}
