/** What `doctor` knows about local disks: which file systems can be trusted, and how to leave no directory behind. */
import { rm, rmdir, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import type { Finding } from './doctor.ts'

/** Magic numbers of statfs(2) (linux/magic.h, and smb2 from cifs). */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x5346414f: 'AFS',
  0x00c36400: 'CephFS',
  0x0bd00bd0: 'Lustre',
  0x01021997: '9P (a share of the host)',
  0x65735546: 'FUSE',
}
const MEMORY: Readonly<Record<number, string>> = { 0x01021994: 'tmpfs', 0x858458f6: 'ramfs' }

export async function* localFindings({ location }: Place): AsyncGenerator<Finding> {
  if (!location.startsWith('/')) return
  const facts = await statfs(await nearestExisting(location)).catch(() => undefined)
  if (facts === undefined) return
  const type = facts.type >>> 0
  const check = 'file system'
  if (NETWORK[type] !== undefined) {
    yield {
      check,
      status: 'warning',
      found: `${NETWORK[type]}: whether creates by other hosts are seen at once cannot be proved from this one`,
      next: 'let only this host write here, or use an object store',
    }
  } else if (MEMORY[type] !== undefined) {
    yield {
      check,
      status: 'warning',
      found: `${MEMORY[type]}: the table is gone when the machine restarts`,
      next: 'fine for tests',
    }
  } else yield { check, status: 'ok', found: 'a local one' }
  if (facts.bavail * facts.bsize < LOW_SPACE_BYTES) {
    yield { check: 'free space', status: 'warning', found: 'less than 100 MiB are left', next: 'make room' }
  }
}

const LOW_SPACE_BYTES = 100 * 1024 * 1024

/**
 * Remembers which directories are there. The returned function removes those above `scratch` that were not, as far as
 * they are empty.
 */
export async function rememberDirectories(place: Place, scratch: string): Promise<() => Promise<void>> {
  if (!place.location.startsWith('/')) return async () => {}
  const deepest = place.store.urlOf(keyIn(place, scratch))
  const existing = await nearestExisting(deepest)
  return async () => {
    // Nothing but our own, and by now empty, directories are below it.
    // Where something else is in the way, nothing was written: that is a finding, and was one before.
    await rm(deepest, { recursive: true, force: true }).catch(() => undefined)
    for (let path = dirname(deepest); path.length > existing.length; path = dirname(path)) {
      try {
        await rmdir(path)
      } catch (error) {
        // Not there is as good as removed; anything else means that somebody uses it.
        if ((error as { code?: string }).code !== 'ENOENT') return
      }
    }
  }
}

async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    if (at === dirname(at)) return at
    if (await stat(at).catch(() => undefined)) return at
  }
}
