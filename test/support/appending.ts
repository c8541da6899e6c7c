/** An append on its way into a {@link foldingTable}, as the landing of appends sees it. */
import { sighting } from '../../src/commit/custody.ts'
import type { AppendUnit, LandControl, UnitState } from '../../src/commit/landing.ts'
import type { AppendStats } from '../../src/commit/stats.ts'
import { newStats } from '../../src/commit/stats.ts'
import { currentSchema, defaultSpec } from '../../src/spec/metadata.ts'
import type { FoldingTable, Published } from './folding-table.ts'
import { FILE_BYTES } from './folding-table.ts'

/** One new data file, in memory still. */
export async function unitOf(table: FoldingTable, name = 'own'): Promise<AppendUnit> {
  const { metadata } = await table.head()
  const key = `t/data/${name}.parquet`
  return {
    schema: currentSchema(metadata),
    spec: defaultSpec(metadata),
    appended: [{ dataFile: table.file(name), key, bytes: new Uint8Array(FILE_BYTES) }],
    begun: sighting(table.runtime),
  }
}

/** Its state once it is published as that. */
export async function stateOf(table: FoldingTable, { paths }: Published): Promise<UnitState> {
  const unit = await unitOf(table)
  const [{ dataFile }] = unit.appended as [AppendUnit['appended'][number]]
  const dataFiles = [{ ...dataFile, path: paths[0]! }]
  return { unit, dataFiles, written: [], uploaded: false, manifests: undefined }
}

export interface Told {
  readonly stats: AppendStats
  /** What the append said of itself, in order. */
  readonly said: string[]
  readonly ticks: () => number
}

/** Time enough, nobody leaves, no keys; and what the append tells those who wait for it. */
export function landControl(change: Partial<LandControl> = {}): LandControl & Told {
  const said: string[] = []
  let ticks = 0
  return {
    signal: undefined,
    deadlineMs: Infinity,
    check: () => undefined,
    sending: (isUnderWay) => void said.push(isUnderWay ? 'sending' : 'nothing sent'),
    published: () => void said.push('published'),
    tick: () => void ticks++,
    said,
    ticks: () => ticks,
    ...change,
    stats: newStats(),
  }
}
