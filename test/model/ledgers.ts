/** The ledgers of the model: the project's own functions, with a smaller window and with protections switched off. */
import type { Ledger } from '../../src/commit/ledger.ts'
import { advance, EMPTY_LEDGER, formatLedger, ledgerOn, parseLedger } from '../../src/commit/ledger.ts'
import { snapshotId } from '../../src/runtime.ts'
import type { Deed, VersionRecord } from './objects.ts'
import type { Process, SeenHead } from './process.ts'
import { isOff } from './process.ts'

const parsed = new WeakMap<VersionRecord, Ledger | 'missing'>()

export function newTableLedger(window: number): string {
  return formatLedger({ ...EMPTY_LEDGER, window })
}

/** The ledger that a version stands for, also where it lost its own. */
export function ledgerAt(me: Process, version: number, record: VersionRecord): Ledger {
  let own = parsed.get(record)
  if (own === undefined) {
    own = parseLedger(record.ledger) ?? 'missing'
    parsed.set(record, own)
  }
  const ledger = { ...ledgerOn(own === 'missing' ? undefined : own, version), window: me.model.window }
  return isOff(me, 'floor') ? { ...ledger, floor: 0 } : ledger
}

/** The ledger by which a fold chooses: the same, but for the protections that a mutation takes away. */
export function ledgerToFoldBy(me: Process, ledger: Ledger): Ledger {
  switch (me.model.mutation) {
    case 'ledger':
      return { ...ledger, entries: ledger.entries.map((entry) => ({ ...entry, folded: [] })) }
    case 'cancellation':
      return { ...ledger, entries: ledger.entries.map((entry) => ({ ...entry, cancelled: [] })) }
    case 'window':
      return { ...ledger, window: 1_000_000 }
    case 'one-window':
      return Number(me.name.at(-1)) % 2 === 0 ? ledger : { ...ledger, window: ledger.window + 2 }
    default:
      return ledger
  }
}

/** The version after `base`, with the ledger that follows from the base's. */
export function nextVersion(me: Process, base: SeenHead, deed: Deed): VersionRecord {
  const { runtime } = me.model
  const version = base.version + 1
  const before = ledgerAt(me, base.version, base.record)
  const advanced = advance(before, version, {
    snapshotId: deed.folds.length === 0 ? 0n : snapshotId(runtime),
    folded: deed.folds,
    cancelled: deed.cancels,
  })
  return {
    nonce: newNonce(me),
    parent: base.record.nonce,
    table: base.record.table,
    isTombstone: false,
    ledger: formatLedger(deed.raisesFloor ? { ...advanced, floor: version } : advanced),
    files: deed.folds.length === 0 ? base.record.files : [...base.record.files, ...deed.folds],
    deed,
  }
}

export function newNonce(me: Process): string {
  return `${me.name}:${Math.floor(me.model.runtime.random() * 2 ** 48).toString(36)}`
}
