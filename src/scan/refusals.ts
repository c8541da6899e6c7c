/** What a table may hold that this version cannot read. Refused by name, because the alternative is wrong rows. */
import { unsupported } from '../errors.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import { childFields, typeName } from '../spec/schema.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { Field } from '../spec/types.ts'

/** @throws `unsupported` for a column whose type, or a type inside it, is of a later format. */
export function refuseUnreadableColumns(columns: readonly Field[], table: string): void {
  for (const column of columns) {
    const found = unreadableType(column)
    if (found === undefined) continue
    unsupported(
      `column '${column.name}' of ${table} is of type ${typeName(column.type)}: this version of DataShard does not read ` +
        `${found}. Select other columns`,
      { table, column: column.name, feature: found },
    )
  }
}

function unreadableType({ type }: Field): string | undefined {
  if (type.type === 'unsupported') return typeName(type)
  for (const child of childFields(type)) {
    const found = unreadableType(child)
    if (found !== undefined) return found
  }
  return undefined
}

/** @throws `unsupported` if the manifest list is encrypted (v3: the snapshot names a key). */
export function refuseEncryptedSnapshot(snapshot: Snapshot, table: string): void {
  if (snapshot.unknown?.['key-id'] === undefined || snapshot.unknown['key-id'] === null) return
  refuseEncrypted(`the manifest list of snapshot ${snapshot.snapshotId}`, table)
}

/** @throws `unsupported` if the manifest is encrypted. */
export function refuseEncryptedManifest(manifest: ManifestFile, table: string): void {
  if (manifest.keyMetadata !== undefined) refuseEncrypted(`the manifest ${manifest.path}`, table)
}

function refuseEncrypted(what: string, table: string): never {
  return unsupported(`${what} of ${table} is encrypted, which this version of DataShard does not read`, {
    table,
    feature: 'encryption',
  })
}

/** @throws `unsupported` for data files that are not plain Parquet. */
export function refuseUnreadableFile(file: DataFile, table: string): void {
  if (file.keyMetadata !== undefined) refuseEncrypted(`the data file ${file.path}`, table)
  if (file.format === 'parquet') return
  const format = file.format === 'orc' ? 'ORC' : file.format === 'avro' ? 'Avro' : file.format
  unsupported(
    `${file.path} of ${table} is an ${format} file; this version of DataShard reads Parquet data files only`,
    {
      table,
      path: file.path,
      feature: format,
    },
  )
}

/** @throws `unsupported` for a delete file that applies to a data file of the table. */
export function refuseDeletes({ dataFile }: ManifestEntry, table: string): never {
  const feature = describeDeletes(dataFile)
  unsupported(
    `${table} has ${feature} (${dataFile.path}), which this version of DataShard does not apply, so that deleted rows ` +
      `would come back. Read it with another engine, or compact it with the one that wrote them`,
    { table, path: dataFile.path, feature },
  )
}

function describeDeletes({ content, format }: DataFile): string {
  if (content === 'equality-deletes') return 'equality deletes'
  return format === 'puffin' ? 'deletion vectors' : 'position deletes'
}
