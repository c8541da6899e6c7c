/** The manifests of the last few snapshots of one table, so that a warm append reads nothing. */
import { decodeManifestList } from '../codec/manifest-list.ts'
import { unsupported } from '../errors.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { TableFiles } from '../store/table-files.ts'
import { missingObject } from '../store/table-files.ts'

const MAX_LISTS = 4

export class ManifestListCache {
  readonly #files: TableFiles
  readonly #lists = new Map<string, readonly ManifestFile[]>()

  constructor(files: TableFiles) {
    this.#files = files
  }

  set(path: string, manifests: readonly ManifestFile[]): void {
    this.#lists.set(path, manifests)
    const oldest = this.#lists.keys().next().value
    if (this.#lists.size > MAX_LISTS && oldest !== undefined) this.#lists.delete(oldest)
  }

  /** The manifests of a snapshot: no request when cached, else one. */
  async get(snapshot: Snapshot, signal?: AbortSignal): Promise<readonly ManifestFile[]> {
    const path = snapshot.manifestList
    if (path === undefined) {
      unsupported(
        `snapshot ${snapshot.snapshotId} lists its manifests in the metadata itself, as only format v1 allows`,
      )
    }
    const cached = this.#lists.get(path)
    if (cached) return cached
    const manifests = await this.#read(path, signal)
    if (manifests) return manifests
    return missingObject(`the manifest list of snapshot ${snapshot.snapshotId},`, path, this.#files)
  }

  /** Reads a list that will be asked for, while something else is on its way; whatever goes wrong is found out then. */
  async prefetch(path: string, signal?: AbortSignal): Promise<void> {
    if (this.#lists.has(path)) return
    await this.#read(path, signal).catch(() => undefined)
  }

  async #read(path: string, signal: AbortSignal | undefined): Promise<readonly ManifestFile[] | undefined> {
    const bytes = await this.#files.store.get(this.#files.resolve(path), { signal })
    if (!bytes) return undefined
    const manifests = decodeManifestList(bytes, this.#files.shown(path))
    this.set(path, manifests)
    return manifests
  }
}
