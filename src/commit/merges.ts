/**
 * Manifest merges beside the commits: after a commit that leaves a tier full, the merged manifest is written in the
 * background, and the next commit of this process takes it in, if all that it replaces is still listed. A process that
 * never gets that far, because it commits once and ends, is made to merge by {@link OVERFULL}: then a commit waits.
 */
import { DataShardError, unlessAborted } from '../errors.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import type { TableFiles } from '../store/table-files.ts'
import type { Committer } from './commit.ts'
import type { Sighting } from './custody.ts'
import { ageMs, sighting } from './custody.ts'
import type { UnboundManifest } from './manifests.ts'
import type { PreparedMerge } from './merge-manifests.ts'
import { applyMerge, prepareMerge } from './merge-manifests.ts'
import { mergePolicy, planMerges, TIER_FACTOR } from './tiers.ts'

/** Manifests of this process that are kept in memory, so that a merge need not read them. */
const MAX_CACHED = 64
const MAX_CACHED_BYTES = 64 * 1024
/** Lists that are longer than they would be if somebody merged: nobody does, so that a commit has to. */
const OVERFULL = 4 * TIER_FACTOR
/** An older merge is given up: nothing names its manifest yet, and a sweep deletes what nothing names for a day. */
const MAX_AGE_MS = 3_600_000

export class Merges {
  readonly #committer: Committer
  readonly #files: TableFiles
  readonly #cached = new Map<string, Uint8Array>()
  #prepared: (PreparedMerge & { readonly made: Sighting; isTaken: boolean }) | undefined
  #preparing: Promise<void> | undefined

  constructor(committer: Committer, files: TableFiles) {
    this.#committer = committer
    this.#files = files
  }

  /** Keeps small manifests of our own, which the next merge would read. */
  remember(manifests: readonly UnboundManifest[]): void {
    for (const { file, bytes } of manifests) {
      if (bytes.length > MAX_CACHED_BYTES) continue
      this.#cached.set(file.path, bytes)
      const oldest = this.#cached.keys().next().value
      if (this.#cached.size > MAX_CACHED && oldest !== undefined) this.#cached.delete(oldest)
    }
  }

  /** The manifests that a commit carries on, with what was merged meanwhile. No request, unless nobody else merges. */
  async apply(
    carried: readonly ManifestFile[],
    base: TableMetadata,
    by: { readonly snapshotId: bigint; readonly sequenceNumber: bigint },
    signal: AbortSignal | undefined,
  ): Promise<readonly ManifestFile[]> {
    if (this.#prepared && ageMs(this.#prepared.made, this.#committer.place.runtime) > MAX_AGE_MS) this.#giveUp()
    if (!this.#prepared && isOverfull(carried, base)) {
      this.prepare(carried, base)
      // Where nobody waits for the commit any more, the merge goes on in the background.
      const merged = this.#preparing ?? Promise.resolve()
      await unlessAborted(merged, signal, 'the commit that waited for manifests to be merged')
    }
    if (!this.#prepared) return carried
    const merged = applyMerge(carried, this.#prepared, by)
    if (merged) {
      this.#prepared.isTaken = true
      return merged
    }
    this.#giveUp()
    return carried
  }

  /**
   * Told of a commit of ours: what was merged into it is done, and what is full now is merged for the next one. Never fails: the
   * commit has happened, and its caller must not be told otherwise.
   */
  committed(listed: readonly ManifestFile[], metadata: TableMetadata): void {
    try {
      this.#continue(listed, metadata)
    } catch {
      // Housekeeping: whatever stands in its way stands there for the next commit, too, which can still say so.
    }
  }

  #continue(listed: readonly ManifestFile[], metadata: TableMetadata): void {
    const prepared = this.#prepared
    if (prepared) {
      const isIn = !listed.some(({ path }) => prepared.replaces.includes(path))
      if (isIn) this.#prepared = undefined
      else return
    }
    this.prepare(listed, metadata)
  }

  /** Begins to merge what these manifests are due, if anything and if nothing is on its way. */
  prepare(listed: readonly ManifestFile[], metadata: TableMetadata): void {
    if (this.#preparing) return
    const [plan] = planMerges(listed, mergePolicy(metadata.properties))
    if (!plan) return
    const { runtime } = this.#committer.place
    const made = sighting(runtime)
    this.#preparing = prepareMerge(this.#files, plan, metadata, runtime, { cached: this.#cached })
      .then((prepared) => {
        this.#prepared = prepared && { ...prepared, made, isTaken: false }
      })
      .catch((error: unknown) => {
        // Housekeeping: the next commit goes on without it, and whoever reads the manifests finds what is wrong.
        if (!DataShardError.is(error)) throw error
      })
      .finally(() => {
        this.#preparing = undefined
      })
    this.#committer.inBackground(this.#preparing)
  }

  /**
   * Somebody else merged the same manifests, or removed one: ours is of no use. What a commit took in may be named after
   * all, if that commit never learnt its outcome: it stays, and a sweep decides.
   */
  #giveUp(): void {
    if (this.#prepared?.key !== undefined && !this.#prepared.isTaken) this.#committer.discard([this.#prepared.key])
    this.#prepared = undefined
  }
}

function isOverfull(listed: readonly ManifestFile[], metadata: TableMetadata): boolean {
  if (listed.length < OVERFULL) return false
  const plans = planMerges(listed, mergePolicy(metadata.properties))
  return plans.some((plan) => plan.manifests.length >= OVERFULL)
}
