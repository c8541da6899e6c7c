/** How many objects a table has become, and how large its newest metadata is. */
import { loadLibrary } from './in-child.ts'
import { s3OptionOf, type TablePlace } from './places.ts'

export interface ObjectSum {
  readonly objects: number
  readonly bytes: number
}

export interface TableObjects {
  readonly metadata: ObjectSum
  readonly data: ObjectSum
  /** The newest version file: what each commit writes, and each cold reader reads. */
  readonly versionFileBytes: number
}

export async function measureObjects(library: string, place: TablePlace, version: number): Promise<TableObjects> {
  const { openStore } = await loadLibrary(library)
  const s3 = s3OptionOf(place)
  const { store, prefix } = openStore(place.location, s3 ? { s3 } : {})
  const folder = prefix === '' ? '' : `${prefix}/`
  const sums = { metadata: { objects: 0, bytes: 0 }, data: { objects: 0, bytes: 0 } }
  let versionFileBytes = 0
  try {
    for (const part of ['metadata', 'data'] as const) {
      for await (const { key, size } of store.list(`${folder}${part}/`)) {
        sums[part].objects += 1
        sums[part].bytes += size
        if (key.endsWith(`metadata/v${version}.metadata.json`)) versionFileBytes = size
      }
    }
  } finally {
    store.close()
  }
  return { ...sums, versionFileBytes }
}
