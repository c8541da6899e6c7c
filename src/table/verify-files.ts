/** Whether data files are there and have the size that their manifests say. */
import type { TableFiles } from '../store/table-files.ts'
import { inParallel } from './in-parallel.ts'
import type { VerifyProblem } from './verify.ts'
import type { LiveFile } from './verify-manifests.ts'
import { noteDamage } from './verify-manifests.ts'

/** Up to here one request per file is quicker than listing the table. */
const FEW_FILES = 100
const PARALLEL_REQUESTS = 16

/** Checks the sizes of these files. @returns those that are there and whole as far as that tells. */
export async function verifySizes(
  files: TableFiles,
  live: readonly LiveFile[],
  problems: VerifyProblem[],
  signal: AbortSignal | undefined,
): Promise<readonly LiveFile[]> {
  const keys = new Map<string, LiveFile>()
  for (const file of live) {
    try {
      keys.set(files.resolve(file.dataFile.path), file)
    } catch (error) {
      noteDamage(problems, file.dataFile.path, error)
    }
  }
  const there: LiveFile[] = []
  const compare = (file: LiveFile, size: number | undefined) => {
    const { path, fileSizeBytes } = file.dataFile
    if (size === undefined)
      problems.push({ object: path, kind: 'missing', found: `it does not exist; ${file.manifest} lists it` })
    else if (BigInt(size) !== fileSizeBytes) {
      problems.push({
        object: path,
        kind: 'mismatch',
        found: `it has ${size} bytes, its manifest says ${fileSizeBytes}`,
      })
    } else there.push(file)
  }
  const unlisted = keys.size > FEW_FILES ? await compareWithListing(files, keys, compare, signal) : keys
  await inParallel(unlisted, PARALLEL_REQUESTS, async ([key, file]) => {
    compare(file, (await files.store.head(key, { signal }))?.size)
  })
  return there
}

/** Compares what a listing of the table shows. @returns the rest: files elsewhere, and those that are missing. */
async function compareWithListing(
  files: TableFiles,
  keys: ReadonlyMap<string, LiveFile>,
  compare: (file: LiveFile, size: number) => void,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, LiveFile>> {
  const rest = new Map(keys)
  for await (const { key, size } of files.store.list(files.key(''), { signal })) {
    const file = rest.get(key)
    if (file === undefined) continue
    rest.delete(key)
    compare(file, size)
  }
  return rest
}
