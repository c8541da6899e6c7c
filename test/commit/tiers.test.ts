import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeManifestList, UNKNOWN_COUNT } from '../../src/codec/manifest-list.ts'
import { DEFAULT_MERGE_POLICY, MANIFESTS_MAX, MERGED_AT_ONCE, mergePolicy } from '../../src/commit/tiers.ts'
import { planMerges, tierOf } from '../../src/commit/tiers.ts'
import type { MergePlan, MergePolicy } from '../../src/commit/tiers.ts'
import type { ManifestFile } from '../../src/spec/data-file.ts'

let made = 0

/** A line of a manifest list; by default of one small file. */
function line(files = 1, more: Partial<ManifestFile> = {}): ManifestFile {
  return {
    path: `memory://test/t/metadata/m${made++}.avro`,
    length: BigInt(2_000 + 150 * files),
    partitionSpecId: 0,
    content: 'data',
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    addedSnapshotId: 1n,
    addedFilesCount: files,
    existingFilesCount: 0,
    deletedFilesCount: 0,
    addedRowsCount: BigInt(files) * 10n,
    existingRowsCount: 0n,
    deletedRowsCount: 0n,
    partitions: [],
    ...more,
  }
}

const lines = (count: number, files = 1, more: Partial<ManifestFile> = {}) =>
  Array.from({ length: count }, () => line(files, more))

/** What the merge comes to, as `prepareMerge` writes it. */
function merged({ manifests, partitionSpecId }: MergePlan): ManifestFile {
  const files = manifests.reduce((sum, one) => sum + one.addedFilesCount + one.existingFilesCount, 0)
  return line(0, {
    partitionSpecId,
    existingFilesCount: files,
    existingRowsCount: BigInt(files) * 10n,
    length: BigInt(2_000 + 150 * files),
  })
}

function take(listed: readonly ManifestFile[], plans: readonly MergePlan[]): readonly ManifestFile[] {
  return plans.reduce((left, plan) => {
    const replaced = new Set(plan.manifests)
    const at = left.findIndex((one) => replaced.has(one))
    return left.filter((one) => !replaced.has(one)).toSpliced(at, 0, merged(plan))
  }, listed)
}

const filesOf = (manifests: readonly ManifestFile[]) =>
  manifests.reduce((sum, one) => sum + one.addedFilesCount + one.existingFilesCount, 0)

/** Appends one after the other; each merges what the list before it was due. */
function appends(count: number, next: (index: number) => ManifestFile, policy?: MergePolicy) {
  let listed: readonly ManifestFile[] = []
  let most = 0
  let filesRewritten = 0
  let mostRead = 0
  for (let i = 0; i < count; i++) {
    const plans = planMerges(listed, policy)
    filesRewritten += plans.reduce((sum, plan) => sum + filesOf(plan.manifests), 0)
    mostRead = Math.max(
      mostRead,
      plans.reduce((sum, plan) => sum + plan.manifests.length, 0),
    )
    listed = [next(i), ...take(listed, plans)]
    most = Math.max(most, listed.length)
  }
  return { listed, most, filesRewritten, mostRead }
}

describe('tiers', () => {
  test('go by powers of 16 of the files that are not deleted', () => {
    const tiers = [0, 1, 15, 16, 255, 256, 4095, 4096, 70_000].map((files) => tierOf(line(files)))
    expect(tiers).toEqual([0, 0, 0, 1, 1, 2, 2, 3, 4])
    expect(tierOf(line(8, { existingFilesCount: 8, deletedFilesCount: 1_000 }))).toBe(1)
  })

  test('are merged from 16 manifests on, and all of theirs', () => {
    expect(planMerges(lines(15))).toEqual([])
    const [plan, ...more] = planMerges(lines(16))
    expect(plan).toMatchObject({ partitionSpecId: 0, manifests: { length: 16 } })
    expect(more).toEqual([])
    expect(planMerges(lines(30))[0]!.manifests).toHaveLength(30)
  })

  test('are kept apart, and so are specs, and manifests with and without row ids', () => {
    expect(planMerges([...lines(15), ...lines(15, 16), ...lines(15, 256)])).toEqual([])
    expect(planMerges([...lines(15), ...lines(15, 1, { partitionSpecId: 1 })])).toEqual([])
    expect(planMerges([...lines(15), ...lines(15, 1, { firstRowId: 5n })])).toEqual([])
    const both = [...lines(16, 20), ...lines(16, 1, { partitionSpecId: 1 })]
    expect(planMerges(both).map((plan) => [plan.partitionSpecId, plan.manifests.length])).toEqual([
      [1, 16],
      [0, 16],
    ])
  })

  test.for<[string, Partial<ManifestFile>]>([
    ['of deletes', { content: 'deletes' }],
    ['encrypted', { keyMetadata: Uint8Array.of(1) }],
    ['that do not count their files', { addedFilesCount: UNKNOWN_COUNT }],
    ['of more than half the target size', { length: 4_194_305n }],
  ])('leave manifests %s alone', ([, more]) => {
    expect(planMerges(lines(40, 1, more))).toEqual([])
    expect(planMerges(lines(40, 1, { length: 4_194_304n }))[0]!.manifests).toHaveLength(2)
  })

  test('of many manifests are merged step by step, the oldest first', () => {
    const listed = lines(400)
    const [plan] = planMerges(listed)
    expect(plan!.manifests).toEqual(listed.slice(-MERGED_AT_ONCE))
  })

  test('do what the properties of the table say', () => {
    expect(mergePolicy({})).toEqual(DEFAULT_MERGE_POLICY)
    expect(planMerges(lines(100), mergePolicy({ 'commit.manifest-merge.enabled': 'FALSE' }))).toEqual([])
    const small = mergePolicy({ 'commit.manifest.target-size-bytes': '10000' })
    expect(planMerges(lines(100), small)[0]!.manifests).toHaveLength(4)
    // Another engine's nonsense is no reason to fail an append.
    expect(mergePolicy({ 'commit.manifest.target-size-bytes': '8MB' })).toEqual(DEFAULT_MERGE_POLICY)
  })
})

describe('more than 500 manifests', () => {
  /** Each alone in its tier or spec: nothing for tiers to do. */
  const full = (count: number) => lines(count, 40_000, { length: 6_000_000n })

  test('are merged, the smallest first, whatever their size, up to four times the target', () => {
    const listed = [...full(501), line(3), line(200)]
    const [plan, ...more] = planMerges(listed)
    expect(more).toEqual([])
    expect(plan!.manifests).toHaveLength(7)
    expect(plan!.manifests).toEqual(expect.arrayContaining([listed[501], listed[502]]))
    expect(planMerges(full(500))).toEqual([])
    expect(planMerges(lines(600, 40_000, { length: 20_000_000n }))).toEqual([])
  })

  test('of many specs come down again', () => {
    let listed: readonly ManifestFile[] = Array.from({ length: 100 }, (_, spec) =>
      lines(10, 1, { partitionSpecId: spec }),
    ).flat()
    for (let commit = 0; commit < 100 && listed.length > MANIFESTS_MAX; commit++)
      listed = take(listed, planMerges(listed))
    expect(listed.length).toBeLessThanOrEqual(MANIFESTS_MAX)
    expect(filesOf(listed)).toBe(1_000)
  })

  test('of another engine come down by 63 per commit', () => {
    let listed: readonly ManifestFile[] = lines(5_000)
    let commits = 0
    while (listed.length > MANIFESTS_MAX) {
      listed = take(listed, planMerges(listed))
      commits++
    }
    expect(commits).toBeLessThanOrEqual(Math.ceil(4_500 / (MERGED_AT_ONCE - 1)))
    expect(filesOf(listed)).toBe(5_000)
  })
})

describe('10,000 appends', () => {
  test('of one file each: at most 15 manifests per tier and the newest, each file written again twice or thrice', () => {
    const { listed, most, filesRewritten, mostRead } = appends(10_000, () => line())
    expect(filesOf(listed)).toBe(10_000)
    // Tiers 0 to 3, and one that is about to be merged.
    expect(most).toBeLessThanOrEqual(4 * 15 + 1)
    expect(filesRewritten).toBeLessThanOrEqual(3 * 10_000)
    expect(mostRead).toBeLessThanOrEqual(32)
  })

  test('of many sizes into three specs', () => {
    const sizes = [1, 1, 7, 40, 1, 300]
    const { listed, most } = appends(10_000, (i) => line(sizes[i % 6]!, { partitionSpecId: i % 3 }))
    expect(filesOf(listed)).toBe((10_000 / 6) * 350 - ((10_000 % 6) / 6) * 350 + 1 + 1 + 7 + 40)
    // Each spec has tiers 0 to 4, and what is full: half of 8 MiB is some 28,000 of these files.
    expect(most).toBeLessThanOrEqual(3 * (5 * 15 + 1) + Math.ceil(filesOf(listed) / 27_000))
  })

  test('of 1,000 files each: full manifests are written once', () => {
    const { listed, most, filesRewritten } = appends(10_000, () => line(1_000))
    expect(filesOf(listed)).toBe(10_000_000)
    expect(most).toBeLessThanOrEqual(MANIFESTS_MAX + MERGED_AT_ONCE)
    expect(filesRewritten / filesOf(listed)).toBeLessThan(3)
  })

  test('make a manifest list of some kilobytes', () => {
    const { listed } = appends(10_000, () => line())
    const bytes = encodeManifestList({ manifests: listed, snapshotId: 1n, sequenceNumber: 1n, formatVersion: 2 })
    expect(bytes.length).toBeLessThan(16_384)
  })
})

describe('any list of manifests', () => {
  const manifests = fc
    .array(
      fc.record({
        files: fc.constantFrom(0, 1, 5, 16, 100, 256, 5_000),
        spec: fc.nat(2),
        count: fc.integer({ min: 1, max: 40 }),
        more: fc.constantFrom<Partial<ManifestFile>>({}, {}, {}, { content: 'deletes' }, { length: 5_000_000n }),
      }),
      { maxLength: 30 },
    )
    .map((groups) =>
      groups.flatMap(({ files, spec, count, more }) => lines(count, files, { partitionSpecId: spec, ...more })),
    )

  test('plans take known manifests of one spec, each once, and no more than a commit may read', () => {
    fc.assert(
      fc.property(manifests, (listed) => {
        const plans = planMerges(listed)
        const taken = plans.flatMap((plan) => plan.manifests)
        expect(new Set(taken).size).toBe(taken.length)
        expect(taken.length).toBeLessThanOrEqual(MERGED_AT_ONCE)
        for (const plan of plans) {
          expect(plan.manifests.length).toBeGreaterThanOrEqual(2)
          const { partitionSpecId: spec } = plan
          expect(plan.manifests.every((one) => one.partitionSpecId === spec && one.content === 'data')).toBe(true)
          expect(plan.manifests).toEqual(listed.filter((one) => plan.manifests.includes(one)))
        }
      }),
      { numRuns: 200 },
    )
  })

  test('merging until nothing is due ends, with no file lost and no tier full', () => {
    fc.assert(
      fc.property(manifests, (listed) => {
        let left: readonly ManifestFile[] = listed
        for (let round = 0; planMerges(left).length > 0; round++) {
          left = take(left, planMerges(left))
          expect(round).toBeLessThan(200)
        }
        expect(filesOf(left)).toBe(filesOf(listed))
        const tiers = new Map<string, number>()
        for (const one of left) {
          if (one.content === 'deletes' || one.length * 2n > DEFAULT_MERGE_POLICY.targetBytes) continue
          const name = `${one.partitionSpecId}/${tierOf(one)}`
          tiers.set(name, (tiers.get(name) ?? 0) + 1)
        }
        expect(Math.max(0, ...tiers.values())).toBeLessThan(16)
      }),
      { numRuns: 100 },
    )
  })
})
