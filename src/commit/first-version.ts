/** The first version of a table: where none is yet, or above the tombstone of a dropped one. */
import { DataShardError } from '../errors.ts'
import { uuid } from '../runtime.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { DEFAULT_TIMEOUT_MS } from './commit.ts'
import { createVersion } from './create-version.ts'
import type { Sighting } from './custody.ts'
import { sighting } from './custody.ts'
import { encodeTable } from './document.ts'
import type { Head, TableHead } from './head.ts'
import { findHead } from './head.ts'
import { HintWriter } from './hint.ts'
import { EMPTY_LEDGER, formatLedger, LEDGER_PROPERTY } from './ledger.ts'
import type { Place } from './place.ts'

/**
 * Creates the version after `base` (a tombstone), or version 1. `won`, or what is there instead. One request, and the
 * hint.
 *
 * @param asked when it was found that there is no table: one may have been made, dropped and deleted since
 */
export async function createFirstVersion(
  place: Place,
  base: Head | undefined,
  asked: Sighting,
  design: TableMetadata,
  signal?: AbortSignal,
): Promise<{ readonly won: true; readonly head: TableHead } | { readonly won: false; readonly head: Head }> {
  const nonce = uuid(place.runtime)
  const version = (base?.version ?? 0) + 1
  const properties = { ...design.properties, [LEDGER_PROPERTY]: formatLedger({ ...EMPTY_LEDGER, floor: version }) }
  const metadata: TableMetadata = { ...design, properties }
  const created = await createVersion(place, {
    base: base ?? { seen: asked },
    version,
    bytes: encodeTable(metadata, nonce),
    nonce,
    isIn: (later) => later.tableUuid === metadata.tableUuid,
    deadlineMs: place.runtime.monotonic() + DEFAULT_TIMEOUT_MS,
    signal,
  })
  if (created.outcome === 'stale') {
    throw new DataShardError('unavailable', `creating ${place.location} took too long; try again`)
  }
  if (created.outcome === 'lost') {
    // Not the winner itself: others may have appended to it already.
    const winner = await findHead(place, created.next, signal)
    if (winner) return { won: false, head: winner }
    throw new DataShardError('unavailable', `a table at ${place.location} was created and vanished; try again`)
  }
  const head: TableHead = { kind: 'table', version, form: 'plain', nonce, metadata, seen: sighting(place.runtime) }
  const hint = new HintWriter(place)
  hint.raise(version)
  await hint.flush()
  return { won: true, head }
}
