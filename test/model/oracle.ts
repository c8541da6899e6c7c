/**
 * Sees every effect on the store in its true order and says what was violated (commit-protocol, invariants I1 to I6). It
 * does not trust ledgers: versions carry what they did.
 */
import type { Intent, Value, VersionRecord } from './objects.ts'
import { INBOX, intentOfKey, versionOfKey } from './objects.ts'
import type { StoredObject, StoreObserver } from './store.ts'

interface KnownIntent extends Intent {
  readonly owner: string
  readonly rows: readonly string[]
  readonly table: string
}

export class Oracle implements StoreObserver {
  readonly violations: string[] = []
  /** chain[v] is version v as it was created first. */
  readonly #chain: (VersionRecord | undefined)[] = [undefined]
  readonly #supersededMs: number[] = []
  readonly #intents = new Map<string, KnownIntent>()
  readonly #appends = new Map<string, { readonly rows: readonly string[]; readonly table: string }>()
  readonly #foldedAt = new Map<string, number>()
  readonly #rowAt = new Map<string, string>()
  readonly #changeAt = new Map<string, number>()
  readonly #cancelled = new Set<string>()
  readonly #certainlyNot = new Set<string>()
  readonly #keepMs: number
  readonly #window: number
  readonly #now: () => number
  #floor = 0
  islands = 0

  constructor(window: number, keepMs: number, now: () => number) {
    this.#window = window
    this.#keepMs = keepMs
    this.#now = now
  }

  get newest(): number {
    return this.#chain.length - 1
  }

  get folded(): number {
    return this.#foldedAt.size
  }

  get cancelled(): number {
    return this.#cancelled.size
  }

  onWritten(key: string, value: Value, replaced: StoredObject | undefined): void {
    const version = versionOfKey(key)
    if (version === undefined) return
    const record = value as VersionRecord
    if (replaced) return this.#report('I1', `${record.deed.by} wrote over version ${version}`)
    if (version > this.newest + 1) return this.#report('I1', `${record.deed.by} left a gap before version ${version}`)
    if (version <= this.newest) {
      this.islands++
      // Other engines know no age rule and may plant islands; we never do.
      if (!isForeign(record)) this.#report('I1', `${record.deed.by} created version ${version} again`)
      return
    }
    this.#extend(version, record)
  }

  onDeleted(key: string, object: StoredObject, nowMs: number): void {
    const version = versionOfKey(key)
    if (version !== undefined && this.#chain[version] === object.value) {
      if (version === this.newest) this.#report('I5', `the head, version ${version}, was deleted`)
      else if (nowMs - this.#supersededMs[version]! < this.#keepMs)
        this.#report('I5', `version ${version} was deleted before its time`)
    }
    if (key.startsWith(INBOX)) {
      const { id } = intentOfKey(key)
      if (this.#foldedAt.has(id)) this.#report('I5', `the file of the folded intent ${this.#label(id)} was deleted`)
      this.#certainlyNot.add(id)
    }
  }

  appendBegins(name: string, rows: readonly string[], table: string): void {
    this.#appends.set(name, { rows, table })
  }

  intentIs(owner: string, intent: Intent, rows: readonly string[], table: string): void {
    this.#intents.set(intent.id, { ...intent, owner, rows, table })
  }

  headFound(by: string, version: number, record: VersionRecord, newestBefore: number): void {
    if (this.#chain[version] !== record) this.#report('I6', `${by} took an island for version ${version}`)
    else if (version < newestBefore) {
      this.#report('I6', `${by} took version ${version} for the head after version ${newestBefore} was there`)
    }
  }

  verdictGiven(by: string, id: string, fate: string): void {
    const at = this.#foldedAt.get(id)
    if (fate === 'folded' && at === undefined) this.#report('I2', `${by} was told that ${this.#label(id)} is folded`)
    if (fate !== 'never') return
    if (at !== undefined) this.#report('I3', `${by} was told never of ${this.#label(id)}, folded in version ${at}`)
    this.#certainlyNot.add(id)
  }

  /** An append or a change was reported as done. */
  acknowledged(name: string): void {
    const promised = this.#appends.get(name)
    if (!promised && !this.#changeAt.has(name)) this.#report('I2', `${name} was acknowledged and is not there`)
    for (const row of promised?.rows ?? []) {
      if (!this.#rowAt.has(rowName(promised!.table, row)))
        this.#report('I2', `${row} of ${name} was acknowledged and is not there`)
    }
  }

  /** An append or a change was reported as certainly not done. */
  refused(name: string): void {
    if (this.#changeAt.has(name)) this.#report('I3', `${name} was refused and is there`)
    for (const { id, owner } of this.#intents.values()) {
      if (owner !== name) continue
      if (this.#foldedAt.has(id)) this.#report('I3', `${name} was refused and is there`)
      this.#certainlyNot.add(id)
    }
  }

  #extend(version: number, record: VersionRecord): void {
    const before = this.#chain[version - 1]
    if (before && record.parent !== before.nonce)
      this.#report('I1', `version ${version} was not computed from the one before`)
    this.#chain.push(record)
    this.#supersededMs[version - 1] = this.#now()
    for (const id of record.deed.folds) this.#fold(id, version, record)
    for (const id of record.deed.cancels) {
      if (this.#foldedAt.has(id)) this.#report('I4', `version ${version} cancels ${this.#label(id)}, which is folded`)
      this.#cancelled.add(id)
    }
    const { change } = record.deed
    if (change !== undefined) {
      if (this.#changeAt.has(change)) this.#report('I2', `the change ${change} happened twice`)
      this.#changeAt.set(change, version)
    }
    if (record.deed.raisesFloor) this.#floor = version
  }

  #fold(id: string, version: number, record: VersionRecord): void {
    const intent = this.#intents.get(id)!
    const label = this.#label(id)
    const at = this.#foldedAt.get(id)
    if (at !== undefined) this.#report('I4', `${label} was folded in versions ${at} and ${version}`)
    if (intent.base >= version || version > intent.base + this.#window)
      this.#report('I4', `${label} was folded in version ${version}, outside of its window`)
    if (intent.base < this.#floor) this.#report('I4', `${label} was folded below the floor ${this.#floor}`)
    if (this.#cancelled.has(id)) this.#report('I4', `${label} was folded although it is cancelled`)
    if (this.#certainlyNot.has(id)) this.#report('I3', `${label} was folded although it had certainly failed`)
    if (intent.table !== record.table) this.#report('I4', `${label} was folded into another table`)
    this.#foldedAt.set(id, version)
    for (const row of intent.rows) {
      const name = rowName(intent.table, row)
      const carrier = this.#rowAt.get(name)
      if (carrier !== undefined && carrier !== id)
        this.#report('I2', `row ${row} came twice, the second time in ${label}`)
      this.#rowAt.set(name, id)
    }
  }

  #label(id: string): string {
    const intent = this.#intents.get(id)
    return intent ? `${id.slice(0, 5)} (base ${intent.base}, rows ${intent.rows.join(' ')})` : id
  }

  #report(invariant: string, what: string): void {
    this.violations.push(`${invariant}: ${what}`)
  }
}

function isForeign(record: VersionRecord): boolean {
  return record.deed.by.startsWith('foreign')
}

function rowName(table: string, row: string): string {
  return `${table}/${row}`
}
