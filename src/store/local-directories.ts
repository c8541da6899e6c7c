/** Making directories, and saying which. */
import { lstat, mkdir, readlink, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DataShardError } from '../errors.ts'
import { codeOf } from './local-errors.ts'

/** How often a directory is tried whose parents somebody else removes meanwhile. */
const MAX_TRIES = 5

/**
 * Makes a directory and those that are missing above it. Resolves to the topmost one that was made, undefined if all were there.
 *
 * Not by mkdir's own `recursive`: where a file system has no room for new names and says so by ENOENT, as /proc does, Node's never ends.
 */
export async function makeDirectories(path: string): Promise<string | undefined> {
  const missing = [path]
  const tries = new Map<string, number>()
  let first: string | undefined
  while (missing.length > 0) {
    const next = missing.at(-1)!
    try {
      await mkdir(next)
      first ??= next
      missing.pop()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        const count = (tries.get(next) ?? 0) + 1
        if (count > MAX_TRIES || dirname(next) === next) throw error
        tries.set(next, count)
        missing.push(dirname(next))
      } else if (await isDirectory(next)) missing.pop()
      else throw (await danglingLink(next)) ?? error
    }
  }
  return first
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** The system says only that something is there already: a link whose target is gone, because its disk is not mounted, say. */
async function danglingLink(path: string): Promise<DataShardError | undefined> {
  const isLink = (await lstat(path).catch(() => undefined))?.isSymbolicLink() ?? false
  if (!isLink || (await stat(path).catch(() => undefined)) !== undefined) return undefined
  const target = await readlink(path).catch(() => '?')
  const text = `${path} is a symbolic link to ${target}, which is not there; make its target, or choose another place`
  return new DataShardError('invalid-argument', text, { details: { path, target } })
}
