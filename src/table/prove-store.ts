/**
 * The proof that an endpoint honours conditional creates, made by racing them before a table is created at one that is
 * not AWS's own. Its result is recorded in the table, so that nobody who opens the table has to make it again.
 */
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import { conditionalCreateUnsupported, probeConditionalCreate } from '../store/probe.ts'
import type { ProbeResult } from '../store/probe.ts'

interface ProveOptions {
  readonly skipProbe?: boolean
  readonly signal?: AbortSignal | undefined
}

/** Table properties that record the proof; none where the store is trusted or the proof was skipped. */
export async function proveConditionalCreate(place: Place, options: ProveOptions): Promise<Record<string, string>> {
  const { trusted, endpoint } = place.store.conditionalCreate
  if (trusted || options.skipProbe) return {}
  const result = await shared(place, endpoint)
  if (!result.passed) throw conditionalCreateUnsupported(result)
  const { passed, rounds, clients, atMs } = result
  return { 'datashard.probe': JSON.stringify({ endpoint, passed, rounds, clients, at: new Date(atMs).toISOString() }) }
}

/**
 * One race per endpoint and bucket in a process is enough, however many tables are created. A result that failed is
 * not kept: a repaired store must get another chance.
 */
const byEndpoint = new Map<string, Promise<ProbeResult>>()

function shared(place: Place, endpoint: string): Promise<ProbeResult> {
  const name = `${endpoint} ${place.store.url}`
  const known = byEndpoint.get(name)
  if (known) return known
  const { runtime } = place
  const probe = probeConditionalCreate(place.store, keyIn(place, 'metadata/_ds/probe'), { runtime })
  byEndpoint.set(name, probe)
  probe.then(
    (result) => !result.passed && byEndpoint.delete(name),
    () => byEndpoint.delete(name),
  )
  return probe
}
