/** The versions of a table as a listing shows them, for those who check a table; nothing that commits lists them. */
import type { Place } from '../commit/place.ts'
import { keyIn, nameIn } from '../commit/place.ts'
import { isMetadataFile, parseVersionName } from '../commit/version.ts'
import type { VersionName } from '../commit/version.ts'

export interface VersionList {
  /** By number. */
  readonly versions: readonly VersionName[]
  /** Names of metadata files that are no versions of ours: those that catalogs name. */
  readonly others: readonly string[]
}

/** One request per 1,000 objects in `metadata/`. */
export async function listVersions(place: Place, signal: AbortSignal | undefined): Promise<VersionList> {
  const versions: VersionName[] = []
  const others: string[] = []
  for await (const { key } of place.store.list(keyIn(place, 'metadata/'), { signal })) {
    const name = nameIn(place, key)
    const version = parseVersionName(name)
    if (version !== undefined) versions.push(version)
    else if (isMetadataFile(name)) others.push(name)
  }
  return { versions: versions.sort((a, b) => a.version - b.version), others }
}

export interface VersionFault {
  readonly found: string
  readonly next: string
}

/** What is wrong with the numbers: gaps, versions above the head, one number under two names. */
export function versionFaults({ versions }: VersionList, headVersion: number): VersionFault[] {
  const faults: VersionFault[] = []
  const gaps: string[] = []
  const twice: number[] = []
  for (const [i, { version }] of versions.entries()) {
    const before = versions[i - 1]?.version
    if (before === undefined) continue
    if (version === before) twice.push(version)
    else if (version !== before + 1)
      gaps.push(version === before + 2 ? `${before + 1}` : `${before + 1} to ${version - 1}`)
  }
  if (gaps.length > 0) {
    faults.push({
      found: `versions ${gaps.join(', ')} are missing between others`,
      next: 'restore them if they were deleted by mistake: what comes after a gap may have been made by a stray writer',
    })
  }
  if (twice.length > 0) {
    faults.push({
      found: `versions ${twice.join(', ')} exist plain and compressed: two histories of one table`,
      next: 'stop the engine that writes compressed metadata, and decide which history holds the rows you want',
    })
  }
  const newest = versions.at(-1)?.version
  if (newest !== undefined && newest > headVersion && gaps.length === 0) {
    faults.push({
      found: `version ${newest} is above the newest of the chain, ${headVersion}`,
      next: 'run doctor again',
    })
  }
  return faults
}
