/** What `doctor` looks at in the commit protocol's own objects: appends that wait, the ledger, how writers share commits. */
import type { Finding } from './doctor.ts'
import { attempt } from './doctor.ts'
import type { TableHead } from '../commit/head.ts'
import { listInbox } from '../commit/inbox.ts'
import { uuid8 } from '../commit/intent.ts'
import type { Ledger } from '../commit/ledger.ts'
import { formatLedger, ledgerOn, MAX_LEDGER_BYTES, WINDOW } from '../commit/ledger.ts'
import { ledgerOf } from '../commit/peek.ts'
import type { Place } from '../commit/place.ts'
import { storeNow } from '../commit/place.ts'
import { decidedIn, mayFold } from '../commit/window.ts'

export async function* inboxFindings(
  place: Place,
  head: TableHead,
  signal: AbortSignal | undefined,
): AsyncGenerator<Finding> {
  const kept = ledgerOf(head.metadata)
  yield checkLedger(kept, head)
  const ledger = ledgerOn(kept, head.version)
  const found = yield* attempt('inbox', 'check the right to list', () =>
    listInbox(place, uuid8(head.metadata.tableUuid), head.version - WINDOW, decidedIn(ledger), signal),
  )
  if (found === undefined) return
  const waiting = found.intents.filter((intent) => mayFold(intent, ledger, head.version + 1))
  yield {
    check: 'inbox',
    status: 'ok',
    found:
      waiting.length === 0
        ? 'no append waits to be folded'
        : `${waiting.length} appends wait to be folded: the next commit takes them in, if their writers live or not`,
  }
  if (found.heldUntilMs !== undefined) {
    const ms = Math.round(found.heldUntilMs - storeNow(place))
    yield { check: 'inbox', status: 'ok', found: `another writer asks for room for ${ms} ms` }
  }
  yield checkPace(ledger, head)
}

function checkLedger(kept: Ledger | undefined, head: TableHead): Finding {
  const check = 'ledger'
  if (!kept) {
    return {
      check,
      status: 'warning',
      found: `version ${head.version} carries none: another engine's commit unset the property datashard.ledger`,
      next: 'nothing is lost, and the next append by DataShard begins a new one; find out who removes table properties',
    }
  }
  const bytes = formatLedger(kept).length
  const appends = kept.entries.reduce((sum, entry) => sum + entry.folded.length, 0)
  const found = `${appends} appends in the last ${WINDOW} versions, ${bytes} of ${MAX_LEDGER_BYTES} bytes`
  return { check, status: 'ok', found: kept.floor > 0 ? `${found}; begun anew at version ${kept.floor}` : found }
}

function checkPace(ledger: Ledger, head: TableHead): Finding {
  const folds = ledger.entries.filter((entry) => entry.folded.length > 0)
  const sizes = folds.map((entry) => entry.folded.length)
  const largest = Math.max(0, ...sizes)
  const mean = folds.length === 0 ? 0 : sizes.reduce((sum, size) => sum + size, 0) / folds.length
  const paced = head.metadata.properties['datashard.pace-ms']
  const pace = paced === undefined ? '' : `; at most one fold in ${paced} ms (datashard.pace-ms)`
  const found = `${mean.toFixed(1)} appends per commit lately, ${largest} at most${pace}`
  return { check: 'pace', status: 'ok', found }
}
