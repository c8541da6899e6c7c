/** What lies under a table, sorted by what may happen to it: the listings that a sweep begins with. */
import { CLAIMS, generationOf } from '../commit/claims.ts'
import { uuid8 } from '../commit/intent.ts'
import { HOLDS, INBOX, parseIntentName } from '../commit/intent.ts'
import type { ListedIntent } from '../commit/inbox.ts'
import { ARCHIVE, parseArchiveName } from '../commit/ledger-archive.ts'
import type { Place } from '../commit/place.ts'
import { keyIn, nameIn } from '../commit/place.ts'
import { HINT_NAME, isMetadataFile, parseVersionName } from '../commit/version.ts'
import { unsupported } from '../errors.ts'
import type { ObjectInfo } from '../store/store.ts'
import type { ListedVersion } from '../table/superseded.ts'

export interface ListedArchive {
  readonly first: number
  readonly last: number
  readonly info: ObjectInfo
}

/** All generations of one key's claim. */
export interface ClaimGroup {
  readonly uuid8: string
  readonly claims: readonly ObjectInfo[]
}

export interface Tally {
  objects: number
  bytes: number
}

export interface Inventory {
  /** By number. */
  readonly versions: readonly ListedVersion[]
  /** Of this table. */
  readonly intents: readonly (ListedIntent & { readonly info: ObjectInfo })[]
  readonly holds: readonly ObjectInfo[]
  /** Keys of which every generation is older than the horizon. */
  readonly oldClaims: readonly ClaimGroup[]
  /** When the oldest claim was made that is not among them; Infinity if there is none. */
  readonly oldestClaimMs: number
  /** Of keys of which the first generation is missing: the newest claim of each. */
  readonly headlessClaims: readonly ObjectInfo[]
  readonly archives: readonly ListedArchive[]
  /**
   * Data files, manifests, manifest lists, and what else lies in the inbox, old enough to be orphans; those that are
   * named, too.
   */
  readonly files: readonly ObjectInfo[]
  /** Kinds of objects that a sweep does not know, or never touches: statistics, what other software put there. */
  readonly leftAlone: Tally
}

export interface InventoryRequest {
  readonly place: Place
  readonly tableUuid: string
  /** Objects modified at this time or later are too young. */
  readonly orphansBeforeMs: number
  readonly claimsBeforeMs: number
  readonly signal: AbortSignal | undefined
  readonly onListed: () => void
}

/** One request per 1,000 objects under `data/` and `metadata/`. */
export async function takeInventory(request: InventoryRequest): Promise<Inventory> {
  const { place, signal } = request
  const found = new Collector(request)
  for (const folder of ['data/', 'metadata/']) {
    for await (const info of place.store.list(keyIn(place, folder), { signal })) {
      found.add(nameIn(place, info.key), info)
      request.onListed()
    }
  }
  return found.done()
}

const DATA_FILE = /\.(?:parquet|orc|avro)$/
/** Manifests and manifest lists lie directly in `metadata/`. */
const MANIFEST = /^metadata\/[^/_.][^/]*\.avro$/

class Collector {
  readonly #request: InventoryRequest
  readonly #uuid8: string
  readonly #versions: ListedVersion[] = []
  readonly #intents: (ListedIntent & { readonly info: ObjectInfo })[] = []
  readonly #holds: ObjectInfo[] = []
  readonly #archives: ListedArchive[] = []
  readonly #files: ObjectInfo[] = []
  readonly #leftAlone: Tally = { objects: 0, bytes: 0 }
  readonly #oldClaims: ClaimGroup[] = []
  readonly #headlessClaims: ObjectInfo[] = []
  #oldestClaimMs = Infinity
  /** The key whose generations are being listed: they stand together. */
  #group: { readonly key: string; readonly claims: ObjectInfo[] } = { key: '', claims: [] }

  constructor(request: InventoryRequest) {
    this.#request = request
    this.#uuid8 = uuid8(request.tableUuid)
  }

  add(name: string, info: ObjectInfo): void {
    if (name.startsWith(INBOX)) return this.#addInbox(name, info)
    if (name.startsWith(CLAIMS)) return this.#addClaim(name, info)
    const version = parseVersionName(name)
    if (version) {
      this.#versions.push({ ...version, info })
      return
    }
    if (isMetadataFile(name)) throw foreignHistory(this.#request.place, name)
    const archive = name.startsWith(ARCHIVE) ? parseArchiveName(name) : undefined
    if (archive) this.#archives.push({ ...archive, info })
    else if (name === HINT_NAME) return
    else if (name.startsWith('data/') ? DATA_FILE.test(name) : MANIFEST.test(name)) this.#addFile(info)
    else this.#leaveAlone(info)
  }

  #addInbox(name: string, info: ObjectInfo): void {
    if (name.startsWith(HOLDS)) {
      this.#holds.push(info)
      return
    }
    const intent = parseIntentName(name)
    if (intent?.uuid8 === this.#uuid8) this.#intents.push({ ...intent, key: info.key, size: info.size, info })
    else this.#addFile(info)
  }

  #addFile(info: ObjectInfo): void {
    if (info.lastModifiedMs < this.#request.orphansBeforeMs) this.#files.push(info)
  }

  #addClaim(name: string, info: ObjectInfo): void {
    const match = /^([0-9a-f]{8}\/[0-9a-f]{2}\/[0-9a-f]{64})\.\d+$/.exec(name.slice(CLAIMS.length))
    if (!match) return this.#leaveAlone(info)
    if (match[1] !== this.#group.key) this.#endGroup()
    if (this.#group.claims.length === 0) this.#group = { key: match[1]!, claims: [info] }
    else this.#group.claims.push(info)
  }

  #endGroup(): void {
    const { key, claims } = this.#group
    this.#group = { key: '', claims: [] }
    if (claims.length === 0) return
    if (claims.every((one) => one.lastModifiedMs < this.#request.claimsBeforeMs)) {
      this.#oldClaims.push({ uuid8: key.slice(0, 8), claims })
    } else {
      // Names stand in the order of their bytes: the first generation, where it is there, comes first.
      const isHeadless = key.startsWith(this.#uuid8) && generationOf(claims[0]!.key) > 0
      if (isHeadless)
        this.#headlessClaims.push(claims.toSorted((a, b) => generationOf(b.key) - generationOf(a.key))[0]!)
      this.#oldestClaimMs = Math.min(this.#oldestClaimMs, ...claims.map((one) => one.lastModifiedMs))
    }
  }

  #leaveAlone(info: ObjectInfo): void {
    this.#leftAlone.objects += 1
    this.#leftAlone.bytes += info.size
  }

  done(): Inventory {
    this.#endGroup()
    return {
      versions: this.#versions.toSorted((a, b) => a.version - b.version),
      intents: this.#intents,
      holds: this.#holds,
      oldClaims: this.#oldClaims,
      oldestClaimMs: this.#oldestClaimMs,
      headlessClaims: this.#headlessClaims,
      archives: this.#archives,
      files: this.#files,
      leftAlone: this.#leftAlone,
    }
  }
}

function foreignHistory(place: Place, name: string): never {
  return unsupported(
    `${place.location} has the metadata file ${name}, which is no version of this table: a catalog or another table names ` +
      `files here that this table does not know. Nothing was deleted; let one of them own the location`,
    { table: place.location, object: name },
  )
}
