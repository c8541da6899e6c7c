/**
 * One writer that goes on and on: what an append costs at commit 10, 100, 1,000, 10,000. In between it runs as fast as it can; around a
 * milestone every request takes as long as a network would make it take.
 */
import { loadLibrary } from '../support/in-child.ts'
import { delayedStore } from './delayed-store.ts'
import { quantile } from '../support/figures.ts'

/** Commits around a milestone that its figures are taken from. */
const WINDOW = 20
/** Appends to another table first, so that the first milestone does not pay for the compiler. */
const WARM_UP = 100

export interface FlatOptions {
  readonly library: string
  /** A directory, or undefined for a store in memory. */
  readonly directory: string | undefined
  readonly milestones: readonly number[]
  /** Added to each request around the milestones. */
  readonly delayMs: number
  /** After so long the run ends with the milestones that it has reached. */
  readonly limitMs: number
  readonly onMilestone?: (milestone: Milestone) => void
}

export interface Milestone {
  readonly commit: number
  readonly p50Ms: number
  /** CPU of this process, user and system, per append. */
  readonly cpuMs: number
  readonly requestsPerAppend: number
  /** Written and read, per append. */
  readonly bytesPerAppend: number
  readonly metadataBytes: number
  readonly manifests: number
  readonly snapshots: number
}

export async function runFlat(options: FlatOptions): Promise<Milestone[]> {
  const { createTable, memoryStore, openStore, schema, t } = await loadLibrary(options.library)
  const { directory } = options
  const columns = schema({ a: t.long, b: t.long })
  const warm = await createTable('memory://warm/table', { schema: columns, store: memoryStore({ name: 'warm' }) })
  for (let i = 0; i < WARM_UP; i++) await warm.append([{ a: 0n, b: BigInt(i) }])
  await warm.close()

  const location = directory ?? 'memory://flat/table'
  const store = delayedStore(directory === undefined ? memoryStore({ name: 'flat' }) : openStore(directory).store)
  const table = await createTable(location, { schema: columns, store })
  const reached: Milestone[] = []
  const deadlineMs = performance.now() + options.limitMs
  let commits = 0
  /** Appends until there are `goal` commits; the milliseconds of each. */
  const appendUntil = async (goal: number): Promise<number[]> => {
    const times: number[] = []
    for (; commits < goal && performance.now() < deadlineMs; commits++) {
      const startedMs = performance.now()
      await table.append([{ a: 1n, b: BigInt(commits) }])
      times.push(performance.now() - startedMs)
    }
    return times
  }
  const requests = { count: 0, bytes: 0 }
  store.observe(({ bytes }) => {
    requests.count += 1
    requests.bytes += bytes
  })
  for (const commit of options.milestones) {
    const half = Math.min(WINDOW / 2, Math.floor(commit / 2))
    await appendUntil(commit - half)
    await table.flush()
    const before = { ...requests, cpu: process.cpuUsage() }
    store.delayMs = options.delayMs
    const times = await appendUntil(commit + half)
    store.delayMs = 0
    await table.flush() // the hint belongs to the append
    if (commits < commit + half) break
    const { user, system } = process.cpuUsage(before.cpu)
    const milestone: Milestone = {
      commit,
      p50Ms: quantile(times, 0.5),
      cpuMs: (user + system) / 1_000 / times.length,
      requestsPerAppend: (requests.count - before.count) / times.length,
      bytesPerAppend: (requests.bytes - before.bytes) / times.length,
      ...(await sizes()),
    }
    reached.push(milestone)
    options.onMilestone?.(milestone)
  }
  await table.close()
  store.close()
  return reached

  async function sizes(): Promise<Pick<Milestone, 'metadataBytes' | 'manifests' | 'snapshots'>> {
    const folder = directory === undefined ? 'table/' : ''
    const file = await store.head(`${folder}metadata/v${table.version}.metadata.json`)
    const manifests = (await table.currentSnapshot()?.manifests()) ?? []
    return { metadataBytes: file?.size ?? 0, manifests: manifests.length, snapshots: table.snapshots().length }
  }
}
