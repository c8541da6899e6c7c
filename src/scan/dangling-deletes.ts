/**
 * Delete files that a snapshot still lists although nothing is left that they could delete: compaction takes the data
 * files that they point to, and leaves them until somebody rewrites the delete files too. Everything uncertain counts as
 * a delete that applies.
 */
import type { DataFile, ManifestEntry } from '../spec/data-file.ts'

/** Spec: "Reserved Field IDs", `file_path` of position delete files. */
const FILE_PATH_ID = 2147483546

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Whether an entry of a data file is one of those that a delete file may have rows of. */
export type DeleteTest = (data: ManifestEntry) => boolean

/**
 * The test for a live entry of a delete file (spec: "Scan Planning", the rules by which deletes apply, but for
 * partitions, which could only narrow it down).
 */
export function mayDelete({ dataFile, sequenceNumber }: ManifestEntry): DeleteTest {
  if (dataFile.content === 'data') return () => true
  const isLater = dataFile.content === 'equality-deletes' ? isBefore(sequenceNumber, 0n) : isBefore(sequenceNumber, 1n)
  const target = targetOf(dataFile)
  if (target === undefined) return isLater
  const tail = withoutScheme(target)
  return (data) => isLater(data) && withoutScheme(data.dataFile.path) === tail
}

/** Whether the data is older than the deletes, or at most as old with a `margin` of 1. Numbers that are not known decide nothing. */
function isBefore(deletedAt: bigint | null, margin: bigint): DeleteTest {
  return ({ sequenceNumber }) => deletedAt === null || sequenceNumber === null || sequenceNumber < deletedAt + margin
}

/** The one data file that all rows of a file of position deletes point to, if it says so. */
function targetOf({ content, referencedDataFile, lowerBounds, upperBounds }: DataFile): string | undefined {
  if (content !== 'position-deletes') return undefined
  if (referencedDataFile !== undefined) return referencedDataFile
  const lower = lowerBounds.get(FILE_PATH_ID)
  const upper = upperBounds.get(FILE_PATH_ID)
  if (lower === undefined || upper === undefined || Buffer.compare(lower, upper) !== 0) return undefined
  try {
    const path = utf8.decode(lower)
    // What ends like a file is no bound that was cut short.
    return /\.(?:parquet|avro|orc)$/i.test(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** One file may be named with more than one scheme (`s3`, `s3a`; `file:`, none). */
function withoutScheme(path: string): string {
  return path.replace(/^[a-z0-9]+:\/*/i, '/').replace(/^\/+/, '/')
}
