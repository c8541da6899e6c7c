/** Listing a directory tree as a store lists its keys. */
import type { BigIntStats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../errors.ts'
import { compareKeys } from './keys.ts'
import { codeOf } from './local-errors.ts'
import { TEMPORARY_PREFIX } from './local-write.ts'
import type { ListOptions } from './store.ts'

/** Files whose facts are asked for at once. */
const PARALLEL_STATS = 64

export interface ListedFile {
  readonly key: string
  readonly stats: BigIntStats
}

/** Runs one reading of a directory; the store observes it. */
export type ReadFolder = (folder: string, read: () => Promise<string[]>) => Promise<string[]>

/**
 * Files whose keys begin with `prefix`, depth first, which is the order of keys when a directory sorts as its name with a
 * slash behind. Symbolic links to files are followed, those to directories are not: they could lead in circles.
 */
export async function* listFiles(
  root: string,
  prefix: string,
  options: ListOptions,
  readFolder: ReadFolder,
): AsyncGenerator<ListedFile, void, undefined> {
  let left = options.limit ?? Infinity
  async function* walk(folder: string): AsyncGenerator<ListedFile, void, undefined> {
    throwIfAborted(options.signal, `listing ${join(root, prefix)}`)
    const names = await readFolder(folder, () => namesIn(join(root, folder)))
    const keys = names.map((name) => folder + name).filter((key) => isWanted(key, prefix, options))
    keys.sort(compareKeys)
    for (let at = 0; at < keys.length && left > 0;) {
      const run = filesFrom(keys, at, Math.min(left, PARALLEL_STATS))
      at += Math.max(1, run.length)
      if (run.length === 0) yield* walk(keys[at - 1]!)
      throwIfAborted(options.signal, `listing ${join(root, prefix)}`)
      for (const file of await Promise.all(run.map((key) => factsOf(root, key)))) {
        if (!file || left <= 0) continue
        left -= 1
        yield file
      }
    }
  }
  if (left > 0) yield* walk(prefix.slice(0, prefix.lastIndexOf('/') + 1))
}

/** The files that follow one another from `at` on, at most `most`; none if a directory is there. */
function filesFrom(keys: readonly string[], at: number, most: number): string[] {
  const run: string[] = []
  for (let next = at; next < keys.length && run.length < most && !keys[next]!.endsWith('/'); next++)
    run.push(keys[next]!)
  return run
}

/** Whether a file is to be listed, or a directory (ending with a slash) may hold one that is. */
function isWanted(key: string, prefix: string, { startAfter, isWanted: isOfInterest }: ListOptions): boolean {
  const folder = key.endsWith('/')
  if (!key.startsWith(prefix) && !(folder && prefix.startsWith(key))) return false
  const isAfter = startAfter === undefined || compareKeys(key, startAfter) > 0 || (folder && startAfter.startsWith(key))
  return isAfter && (folder || isOfInterest?.(key) !== false)
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    const shown = entries.filter((entry) => !entry.name.startsWith(TEMPORARY_PREFIX))
    return shown.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
  } catch (error) {
    // Removed meanwhile, or never there.
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

async function factsOf(root: string, key: string): Promise<ListedFile | undefined> {
  const stats = await stat(join(root, key), { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ELOOP') return undefined
    throw error
  })
  return stats?.isFile() ? { key, stats } : undefined
}
