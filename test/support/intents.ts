/** Appends in the inbox as writers leave them that die right after publishing: real rows under names that describe them. */
import { encodeFileDescriptor } from '../../src/codec/descriptor.ts'
import { newIntentId } from '../../src/commit/intent-id.ts'
import { intentName, uuid8 } from '../../src/commit/intent.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { currentSchema, specById } from '../../src/spec/metadata.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import type { Table } from '../../src/index.ts'

/** A data file of a table, and what the table says of it. */
export interface Sample {
  readonly dataFile: DataFile
  readonly bytes: Uint8Array
}

/** A data file that the table's current snapshot lists. */
export async function sampleFile(table: Table, store: ObjectStore): Promise<Sample> {
  for (const manifest of await table.snapshots().at(-1)!.manifests()) {
    for await (const { dataFile } of manifest.entries()) {
      const bytes = await store.get(store.keyOf(dataFile.path)!)
      if (bytes) return { dataFile, bytes }
    }
  }
  throw new Error('the table has no data file')
}

export interface IntentParts {
  readonly base: number
  readonly id: string
  readonly uuid8: string
  readonly descriptor: Uint8Array
}

/** Under the table; `change` makes it another one than a writer would. */
export function intentNameOf(table: Table, { dataFile }: Sample, change: Partial<IntentParts> = {}): string {
  const { metadata, version } = table
  const spec = specById(metadata, dataFile.specId)!
  const descriptor = encodeFileDescriptor(dataFile, currentSchema(metadata), spec, false)!
  const id = newIntentId(systemRuntime)
  return intentName({ kind: 'file', base: version, id, uuid8: uuid8(metadata.tableUuid), descriptor, ...change })!
}

/** Publishes `count` appends with the rows of the sample; resolves to their keys. */
export async function plantIntents(
  table: Table,
  store: ObjectStore,
  prefix: string,
  sample: Sample,
  count: number,
): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, () => `${prefix}/${intentNameOf(table, sample)}`)
  for (const key of keys) await store.put(key, sample.bytes, { mode: 'create' })
  return keys
}
