/**
 * Which manifests a commit merges, so that the manifest list stays short however many appends there were. Every append
 * adds a small manifest; sixteen of one size become one of the next, so that a file is listed anew once per factor of 16
 * by which the table grows, not once per append.
 */
import type { ManifestFile } from '../spec/data-file.ts'
import { UNKNOWN_COUNT } from '../codec/manifest-list.ts'
import { manifestTargetBytes } from '../spec/properties.ts'

/** Manifests of one tier that are merged, and how many times as many files the next tier has. */
export const TIER_FACTOR = 16
/** Manifests of data files in one snapshot, of all tiers and specs. Above it the smallest are merged, whatever their tier. */
export const MANIFESTS_MAX = 500
/** Manifests that one commit merges at most: they are read for it. */
export const MERGED_AT_ONCE = 64
/** A merge that only {@link MANIFESTS_MAX} asks for may become this many times the target. */
const FORCED_TARGETS = 4

/** What the table's Iceberg properties say about merging. */
export interface MergePolicy {
  /** `commit.manifest-merge.enabled`, default true. */
  readonly enabled: boolean
  /** `commit.manifest.target-size-bytes`, default 8 MiB: a manifest of more than half of it is not merged again. */
  readonly targetBytes: number
}

export const DEFAULT_MERGE_POLICY: MergePolicy = { enabled: true, targetBytes: 8 * 1024 * 1024 }

/** Where another engine set a target that is no number of bytes, the default: merging is housekeeping, and no reason to fail an append. */
export function mergePolicy(properties: Readonly<Record<string, string>>): MergePolicy {
  const enabled = properties['commit.manifest-merge.enabled']?.toLowerCase() !== 'false'
  try {
    return { enabled, targetBytes: manifestTargetBytes(properties) ?? DEFAULT_MERGE_POLICY.targetBytes }
  } catch {
    return { ...DEFAULT_MERGE_POLICY, enabled }
  }
}

/** Manifests of one partition spec, in the order of the list, that become one. */
export interface MergePlan {
  readonly partitionSpecId: number
  readonly manifests: readonly ManifestFile[]
}

/**
 * The merges that a snapshot with these manifests is due, the cheapest first; none share a manifest, and together they
 * take at most {@link MERGED_AT_ONCE}. Manifests of deletes, encrypted ones, and those that do not count their files (v1)
 * are left alone. Pure, no request.
 *
 * A snapshot that is merged whenever this asks for it has at most 15 manifests per tier and spec below half the target
 * size, and {@link MANIFESTS_MAX} in all as long as merges of four times the target size can reach that.
 */
export function planMerges(
  manifests: readonly ManifestFile[],
  policy: MergePolicy = DEFAULT_MERGE_POLICY,
): readonly MergePlan[] {
  if (!policy.enabled) return []
  const candidates = manifests.filter(isMergeable)
  const plans: MergePlan[] = []
  let left = MERGED_AT_ONCE
  for (const tier of fullTiers(candidates, policy)) {
    // A part of a tier would only come to the same tier again.
    if (left < TIER_FACTOR) break
    const batch = oldestThatFit(tier, left, policy.targetBytes)
    plans.push({ partitionSpecId: batch[0]!.partitionSpecId, manifests: batch })
    left -= batch.length
  }
  const data = manifests.filter(({ content }) => content === 'data').length
  const excess = plans.reduce((count, plan) => count - plan.manifests.length + 1, data) - MANIFESTS_MAX
  const forced = excess > 0 ? smallestOf(candidates, plans, excess, left, policy) : undefined
  return forced ? [...plans, forced] : plans
}

/** Files that a scan reads: those are what a merge writes again. */
function liveFiles({ addedFilesCount, existingFilesCount }: ManifestFile): number {
  return addedFilesCount + existingFilesCount
}

function isMergeable({ content, keyMetadata, addedFilesCount, existingFilesCount }: ManifestFile): boolean {
  const isCounted = addedFilesCount !== UNKNOWN_COUNT && existingFilesCount !== UNKNOWN_COUNT
  return content === 'data' && keyMetadata === undefined && isCounted
}

/** 0 for fewer than 16 files, 1 for fewer than 256, and so on. */
export function tierOf(manifest: ManifestFile): number {
  let tier = 0
  for (let files = liveFiles(manifest); files >= TIER_FACTOR; files = Math.floor(files / TIER_FACTOR)) tier++
  return tier
}

/** Row ids of v3 are all assigned or all to be assigned in one manifest: see {@link prepareMerge}. */
function kindOf({ partitionSpecId, firstRowId }: ManifestFile): string {
  return `${partitionSpecId}/${firstRowId === undefined ? 'without' : 'with'} row ids`
}

/** Groups of one kind and tier that have reached their number, the lowest tier first. */
function fullTiers(candidates: readonly ManifestFile[], { targetBytes }: MergePolicy): readonly ManifestFile[][] {
  const groups = new Map<string, { tier: number; manifests: ManifestFile[] }>()
  for (const manifest of candidates) {
    if (Number(manifest.length) * 2 > targetBytes) continue
    const tier = tierOf(manifest)
    const name = `${kindOf(manifest)}/${tier}`
    const group = groups.get(name) ?? { tier, manifests: [] }
    group.manifests.push(manifest)
    groups.set(name, group)
  }
  return [...groups.values()]
    .filter((group) => group.manifests.length >= TIER_FACTOR)
    .toSorted((a, b) => a.tier - b.tier)
    .map((group) => group.manifests)
}

/** Neighbours in time: their merged partition summaries stay as narrow as the time that they span. */
function oldestThatFit(manifests: readonly ManifestFile[], count: number, maxBytes: number): readonly ManifestFile[] {
  let bytes = 0
  let from = manifests.length
  while (from > 0 && manifests.length - from < count) {
    bytes += Number(manifests[from - 1]!.length)
    if (bytes > maxBytes) break
    from--
  }
  return manifests.slice(from)
}

/** The smallest manifests of the most frequent kind: enough that the next commits need not do so again. */
function smallestOf(
  candidates: readonly ManifestFile[],
  plans: readonly MergePlan[],
  excess: number,
  left: number,
  { targetBytes }: MergePolicy,
): MergePlan | undefined {
  const planned = new Set(plans.flatMap((plan) => plan.manifests))
  const kinds = new Map<string, ManifestFile[]>()
  for (const manifest of candidates) {
    if (planned.has(manifest)) continue
    const kind = kinds.get(kindOf(manifest)) ?? []
    kind.push(manifest)
    kinds.set(kindOf(manifest), kind)
  }
  const [most = []] = [...kinds.values()].toSorted((a, b) => b.length - a.length)
  const bySize = most.toSorted((a, b) => Number(b.length - a.length))
  const chosen = new Set(oldestThatFit(bySize, Math.min(left, excess + TIER_FACTOR), FORCED_TARGETS * targetBytes))
  if (chosen.size < 2) return undefined
  const manifests = most.filter((manifest) => chosen.has(manifest))
  return { partitionSpecId: manifests[0]!.partitionSpecId, manifests }
}
