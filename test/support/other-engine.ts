/**
 * Another engine at the table: it creates versions under the condition, as icebird and ClickHouse do, in an optimistic loop of its own,
 * and writes them its own way: it keeps properties, and knows nothing of how ours begin.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeMetadata } from '../../src/codec/metadata-file.ts'
import { findHead } from '../../src/commit/head.ts'
import { keyIn } from '../../src/commit/place.ts'
import { versionName } from '../../src/commit/version.ts'
import { applyUpdates } from '../../src/spec/updates.ts'
import { openPlace } from '../../src/table/open-place.ts'
import type { OpenOptions } from '../../src/table/open-place.ts'

/** From reading a version to creating the next: such engines look up the head, and write a manifest list meanwhile. */
const WORK_MS = 15
const MAX_TRIES = 2_000

/** Commits so often; resolves to how many commits came through. */
export async function commitLikeAnotherEngine(
  location: string,
  options: OpenOptions,
  commits: number,
): Promise<number> {
  const { place, store } = openPlace(location, options)
  let done = 0
  for (let tries = 0; tries < MAX_TRIES && done < commits; tries++) {
    const head = await findHead(place)
    if (head?.kind !== 'table') break
    await sleep(WORK_MS)
    const { metadata } = head
    const nowMs = Math.max(metadata.lastUpdatedMs + 1, Date.now())
    const baseFile = `${metadata.location}/${versionName(head.version)}`
    const updates = [{ action: 'set-properties', updates: { 'other-engine.commits': String(done + 1) } }] as const
    const { unknown: _, ...known } = applyUpdates(metadata, updates, { nowMs, baseFile })
    const put = await store.put(keyIn(place, versionName(head.version + 1)), encodeMetadata(known), { mode: 'create' })
    if (put.outcome === 'written') done += 1
  }
  store.close()
  return done
}
