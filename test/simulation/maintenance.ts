/**
 * Maintenance beside the writers, by the protocol's rules of deletion: a version may go when it lies more than a window
 * below the hint and was superseded at least 24 h ago, oldest first, each gone before the next.
 */
import { HINT_NAME, parseHint, parseVersionName } from '../../src/commit/version.ts'
import type { World } from './world.ts'

const HOUR_MS = 3_600_000
const SUPERSEDED_MS = 24 * HOUR_MS
/** Versions below the hint that stay whatever their age. */
const WINDOW = 16
const SWEEPS = 4

/** How long a process sleeps that shall wake when versions that it knows are gone. */
export const LONG_STOP_MS = 27 * HOUR_MS

export function startMaintenance(world: World): void {
  const { process, open } = world.process('maintenance')
  const store = open.store!
  world.start(process, async () => {
    await process.runtime.sleep(SUPERSEDED_MS)
    for (let sweeps = 0; sweeps < SWEEPS; sweeps++) {
      await process.runtime.sleep(HOUR_MS)
      await sweep().catch((error: unknown) => world.history.expectedCode(error, 'maintenance'))
    }
  })

  async function sweep(): Promise<void> {
    const hint = parseHint((await store.get(`t/${HINT_NAME}`)) ?? new Uint8Array())
    if (hint === undefined) return
    for (const { version, atMs } of await versions()) {
      const successor = (await store.head(`t/metadata/v${version + 1}.metadata.json`))?.lastModifiedMs
      if (version >= hint - WINDOW || successor === undefined) return
      if (world.ground.clockMs() - Math.max(successor, atMs) < SUPERSEDED_MS) return
      await store.delete([`t/metadata/v${version}.metadata.json`])
      world.history.count('versions deleted')
    }
  }

  async function versions(): Promise<{ version: number; atMs: number }[]> {
    const found: { version: number; atMs: number }[] = []
    for await (const { key, lastModifiedMs } of store.list('t/metadata/v')) {
      const name = parseVersionName(key.slice(2))
      if (name) found.push({ version: name.version, atMs: lastModifiedMs })
    }
    return found.toSorted((a, b) => a.version - b.version)
  }
}
