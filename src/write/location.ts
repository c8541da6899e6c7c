/** Names of new data files. */
import { invalid } from '../errors.ts'
import { type Runtime, uuid } from '../runtime.ts'
import type { TableFiles } from '../store/table-files.ts'

/** The name of a file that does not exist yet: its key in the store, and its path as metadata says it. */
export interface FileName {
  readonly key: string
  readonly path: string
}

/** Names the next file of a partition; `''` for an unpartitioned table. */
export type NewFile = (partitionPath: string) => FileName

/**
 * `data/<partition>/<uuid>.parquet` under the table, or under the folder that the property `write.data.path` names.
 *
 * @throws `invalid-argument` if that folder is not in the table.
 */
export function dataFileNames(
  files: TableFiles,
  properties: Readonly<Record<string, string>>,
  runtime: Runtime,
): NewFile {
  const folder = dataFolder(files, properties['write.data.path'])
  return (partitionPath) => {
    const name = `${uuid(runtime)}.parquet`
    const key = files.key([folder, partitionPath, name].filter((part) => part !== '').join('/'))
    return { key, path: files.pathOf(key) }
  }
}

/** Relative to the table. */
function dataFolder(files: TableFiles, property: string | undefined): string {
  if (property === undefined) return 'data'
  const path = property.replace(/\/+$/, '')
  if (path === files.location) return ''
  if (path.startsWith(`${files.location}/`)) return path.slice(files.location.length + 1)
  return invalid(
    `table property 'write.data.path' is '${property}', which is not in the table ${files.location}; ` +
      'data files can only be written there',
  )
}
