/** Where kills happen: on a directory, on an S3 server, and on one behind a proxy that breaks requests. */
import { join } from 'node:path'
import type { Built } from '../../bench/support/built.ts'
import { localPlace, s3Place, type TablePlace } from '../../bench/support/places.ts'
import type { Judges } from '../judges/judges.ts'
import { CHAOS, startChaosProxy, type Chaos } from '../support/chaos-proxy.ts'
import type { S3Endpoint } from '../support/minio.ts'
import type { Keys } from './job.ts'
import { runKills, type KillOptions, type KillResult } from './kill.ts'

export const WHERE = ['local', 's3', 'chaos'] as const
export type Where = (typeof WHERE)[number]
export const KEYS: readonly Keys[] = ['none', 'one', 'many']

/** Of each kind, 2 requests in 100: some 15 requests in 100 meet trouble, and each append sends several. */
const CHAOS_ODDS: Readonly<Partial<Record<Chaos, number>>> = Object.fromEntries(CHAOS.map((kind) => [kind, 0.02]))

export interface PlannedTable {
  readonly where: Where
  readonly keys: Keys
  readonly kills: number
  readonly seed: number
}

/** `kills` spread evenly over all places and keys, in tables of at most `perTable` kills. */
export function planKills(
  kills: number,
  options: {
    readonly where: readonly Where[]
    readonly keys: readonly Keys[]
    readonly perTable: number
    readonly seed: number
  },
): PlannedTable[] {
  const kinds = options.where.flatMap((where) => options.keys.map((keys) => ({ where, keys })))
  return kinds.flatMap((kind, i) => {
    let left = Math.floor((kills * (i + 1)) / kinds.length) - Math.floor((kills * i) / kinds.length)
    const tables: PlannedTable[] = []
    for (; left > 0; left -= options.perTable) {
      const seed = options.seed + i * 100 + tables.length
      tables.push({ ...kind, kills: Math.min(left, options.perTable), seed })
    }
    return tables
  })
}

export interface PlanContext {
  readonly built: Built
  readonly judges: Judges
  readonly s3: S3Endpoint
}

export type KillReport = PlannedTable & KillResult & { readonly chaos?: Readonly<Record<Chaos, number>> }

export async function killOne(
  planned: PlannedTable,
  { built, judges, s3 }: PlanContext,
  options: Pick<KillOptions, 'slots' | 'meanLifeMs' | 'pauseMs'>,
): Promise<KillReport> {
  const { where, keys, kills, seed } = planned
  await using place = await placeOf(where, planned, built, s3)
  const base = { ...options, keys, kills, seed }
  if (where !== 'chaos') return { ...planned, ...(await runKills(built, place, judges, base)) }
  const proxy = await startChaosProxy(s3.endpoint, { seed, odds: CHAOS_ODDS })
  try {
    const result = await runKills(built, place, judges, { ...base, writersEndpoint: proxy.endpoint })
    return { ...planned, ...result, chaos: proxy.happened }
  } finally {
    await proxy.stop()
  }
}

let tables = 0

async function placeOf(where: Where, { keys, seed }: PlannedTable, built: Built, s3: S3Endpoint): Promise<TablePlace> {
  if (where !== 'local') return s3Place(s3)
  tables += 1
  return localPlace(join(built.directory, `${tables}-${keys}-${seed}`))
}
