/** One writer of a table: what the steps of an append are given, and what they tell it. */
import type { Committer } from '../../src/commit/commit.ts'
import { Crowd } from '../../src/commit/crowd.ts'
import { sighting } from '../../src/commit/custody.ts'
import { Follower } from '../../src/commit/follow.ts'
import type { FoldContext } from '../../src/commit/fold.ts'
import type { LandControl, UnitState } from '../../src/commit/landing.ts'
import type { Ledger } from '../../src/commit/ledger.ts'
import { ManifestListCache } from '../../src/commit/list-cache.ts'
import { Merges } from '../../src/commit/merges.ts'
import { newStats } from '../../src/commit/stats.ts'
import { Tempo } from '../../src/commit/tempo.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { currentSchema, defaultSpec } from '../../src/spec/metadata.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import type { Chain } from './chain.ts'
import { processAt } from './chain.ts'
import { dataFileOf } from './data-files.ts'

export function writerOn({ place }: Pick<Chain, 'place'>, committer: Committer): FoldContext {
  const tempo = new Tempo(place.runtime)
  const files = tableFiles(place.store, place.prefix, place.location)
  return {
    committer,
    follower: new Follower(committer, tempo),
    crowd: new Crowd(),
    files,
    lists: new ManifestListCache(files),
    tempo,
    merges: new Merges(committer, files),
    summary: {},
  }
}

/** One that has read the only version of a chain, which has this ledger; the hint names it. */
export async function writerAt(base: number, ledger: Ledger) {
  const { chain, committer } = await processAt(base, { ledger })
  await chain.hint(base)
  chain.requests()
  return { chain, context: writerOn(chain, committer) }
}

let named = 0

/** An append of data files that are so many bytes long, in memory; what they hold does not matter here. */
export function unitOf({ committer, files }: FoldContext, sizes: readonly number[], more: Partial<DataFile> = {}) {
  const { metadata } = committer.head
  const appended = sizes.map((size) => {
    const key = files.key(`data/${named++}.parquet`)
    const dataFile = dataFileOf({ path: files.pathOf(key), fileSizeBytes: BigInt(size), ...more })
    return { dataFile, key, bytes: new Uint8Array(size) }
  })
  const state: UnitState = {
    unit: {
      schema: currentSchema(metadata),
      spec: defaultSpec(metadata),
      appended,
      begun: sighting(committer.place.runtime),
    },
    dataFiles: appended.map(({ dataFile }) => dataFile),
    written: [],
    uploaded: false,
    manifests: undefined,
  }
  return state
}

/** What is said of an append on its way, in order, is in `said`; by default it has 30 s. */
export function controlOf({ runtime }: Chain, more: Partial<LandControl> = {}) {
  const said: string[] = []
  const control: LandControl = {
    signal: undefined,
    deadlineMs: runtime.monotonic() + 30_000,
    check: () => void said.push('check'),
    sending: (isUnderWay) => void said.push(isUnderWay ? 'sending' : 'not sent'),
    published: () => void said.push('published'),
    tick: () => void said.push('tick'),
    stats: newStats(),
    ...more,
  }
  return { control, said }
}
