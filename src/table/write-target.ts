/** What a writer of data files has to know, from the metadata that the table has now. */
import type { Runtime } from '../runtime.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '../spec/metadata.ts'
import type { TableFiles } from '../store/table-files.ts'
import { dataFileNames } from '../write/location.ts'
import type { WriteContext } from '../write/write-context.ts'
import { createWriteContext } from '../write/write-context.ts'

/** File systems allow 255 bytes in a name, stores 1,024 in a key. */
const MAX_FOLDER_NAME_BYTES = 200
const MAX_PARTITION_PATH_BYTES = 500

export function writeTarget(metadata: TableMetadata, files: TableFiles, runtime: Runtime): WriteContext {
  const { properties } = metadata
  const named = dataFileNames(files, properties, runtime)
  return createWriteContext({
    schema: currentSchema(metadata),
    spec: defaultSpec(metadata),
    sortOrder: defaultSortOrder(metadata),
    properties,
    // Folders are for people; engines read the partition from the manifest. One that no store could name is left out.
    newFile: (partitionPath) => named(fits(partitionPath) ? partitionPath : ''),
    runtime,
  })
}

function fits(partitionPath: string): boolean {
  return (
    partitionPath.length <= MAX_PARTITION_PATH_BYTES &&
    partitionPath.split('/').every((name) => Buffer.byteLength(name) <= MAX_FOLDER_NAME_BYTES)
  )
}
