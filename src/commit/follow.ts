/**
 * Following the chain while one waits: step by step, by the first bytes of each version, so that every ledger on the way
 * is seen; the whole metadata is read only by who is about to fold.
 */
import { corrupt, DataShardError } from '../errors.ts'
import type { Committer } from './commit.ts'
import { BASE_MAX_AGE_MS } from './commit.ts'
import type { Sighting } from './custody.ts'
import { ageMs } from './custody.ts'
import type { TableHead } from './head.ts'
import { readVersion } from './head.ts'
import type { Ledger } from './ledger.ts'
import { WINDOW } from './ledger.ts'
import type { Peeked } from './peek.ts'
import { ledgerOf, peekVersion } from './peek.ts'
import { storeNow } from './place.ts'
import type { Tempo } from './tempo.ts'

/** So many versions behind the head an append is named anew: a good part of its window would be over before anybody knew of it. */
export const FAR = WINDOW / 4

/** The newest version seen. */
export interface Tip {
  readonly version: number
  readonly ledger: Ledger | undefined
  readonly seen: Sighting
  /** By the monotonic clock, when this process saw it first. */
  readonly sinceMs: number
}

export class Follower {
  readonly #committer: Committer
  readonly #tempo: Tempo
  /** Undefined until somebody writes: a reader need not understand the ledger of a newer release. */
  #tip: Tip | undefined
  #peeked: Peeked | undefined

  constructor(committer: Committer, tempo: Tempo) {
    this.#committer = committer
    this.#tempo = tempo
  }

  /** The newest version that this process knows, whoever in it saw it. */
  get tip(): Tip {
    const { head } = this.#committer
    const known = this.#tip
    if (!known || head.version > known.version) {
      this.#tip = this.#tipOf(head)
    } else if (head.version === known.version && ageMs(head.seen, this.#runtime) < ageMs(known.seen, this.#runtime)) {
      this.#tip = { ...known, seen: head.seen }
    }
    return this.#tip!
  }

  /** Since the tip was last seen alive. */
  get ageMs(): number {
    return ageMs(this.tip.seen, this.#runtime)
  }

  /**
   * Since the tip was committed: by its own time where this process has read it, which may be long after, else since it was seen first.
   */
  get idleMs(): number {
    const { version, sinceMs } = this.tip
    const { head, place } = this.#committer
    const seenMs = this.#runtime.monotonic() - sinceMs
    return head.version === version ? Math.max(seenMs, storeNow(place) - head.metadata.lastUpdatedMs) : seenMs
  }

  get #runtime() {
    return this.#committer.place.runtime
  }

  #tipOf(head: TableHead): Tip {
    const { version, metadata, seen } = head
    return { version, ledger: ledgerOf(metadata), seen, sinceMs: seen.monotonicMs }
  }

  /** Looks once whether there is a next version. One request. */
  async step(signal?: AbortSignal): Promise<boolean> {
    const { version, ledger } = this.tip
    if (this.ageMs > BASE_MAX_AGE_MS) {
      await this.#committer.refresh(signal)
      return this.tip.version > version
    }
    const { place } = this.#committer
    const found = await this.#tempo.measured(() => peekVersion(place, version + 1, { signal, before: ledger }))
    if (!found) return false
    // Of two calls that looked at once, the second has nothing new to note.
    this.note(found)
    return true
  }

  /**
   * To the end of the chain, for who waits for nothing on the way: by the hint where it is far. One request if there is no
   * next version; else about five, and not one for each. Resolves to whether there was one.
   */
  async leap(signal?: AbortSignal): Promise<boolean> {
    const moved = await this.step(signal)
    if (moved) await this.#committer.refresh(signal)
    return moved
  }

  /** About how many versions came since the tip was seen, if they go on coming as the last ones did; 0 where that is not known. */
  get expectedSince(): number {
    const { metadata } = this.#committer.head
    const entries = ledgerOf(metadata)?.entries ?? []
    const [newest, oldest] = [entries.at(0), entries.at(-1)].map((entry) =>
      metadata.snapshots.find(({ snapshotId }) => snapshotId === entry?.snapshotId),
    )
    const [last, first] = [entries.at(0)?.version ?? 0, entries.at(-1)?.version ?? 0]
    if (!newest || !oldest || last === first) return 0
    const eachMs = Math.max(1, newest.timestampMs - oldest.timestampMs) / (last - first)
    return this.ageMs / eachMs
  }

  /** Takes over what was found out elsewhere: the version to which a create was lost. */
  note(found: Peeked): void {
    if (found.version !== this.tip.version + 1) return
    this.#refuseStranger(found)
    const { version, ledger, seen } = found
    this.#tip = { version, ledger, seen, sinceMs: this.#runtime.monotonic() }
    this.#peeked = found
    this.#committer.noteNewest(version)
    // A small table comes along with the look; its readers need not ask again.
    if (found.document) this.#committer.adopt({ ...found.document(), version, form: found.form, seen })
  }

  /** Somebody dropped the table, or dropped it and made another. */
  #refuseStranger(found: Peeked): void {
    if (found.tableUuid === this.#committer.head.metadata.tableUuid) return
    const document = found.document?.()
    if (document) {
      const { version, form, seen } = found
      this.#committer.adopt({ ...document, version, form, seen })
    }
    const { location } = this.#committer.place
    throw new DataShardError('not-found', `the table at ${location} was dropped; load it again`)
  }

  /** Name of the tip's manifest list, if its first bytes say it. */
  get manifestList(): string | undefined {
    return this.#peeked?.version === this.tip.version ? this.#peeked.manifestList : undefined
  }

  /** All of the tip's metadata. No request when it is known already, else one. */
  async head(signal?: AbortSignal): Promise<TableHead> {
    for (;;) {
      const { version } = this.tip
      if (this.#committer.head.version >= version) return this.#committer.head
      const { form } = this.#peeked!
      const found = await readVersion(this.#committer.place, version, form, signal)
      if (found) return this.#committer.adopt(found)
      // Deleted already: this process slept for long.
      const { version: newest } = await this.#committer.refresh(signal)
      if (newest < version) this.#refuseShortened(version, newest)
    }
  }

  /** No sweep deletes the newest version: somebody else did, and asking again would never end. */
  #refuseShortened(version: number, newest: number): never {
    const { location } = this.#committer.place
    corrupt(
      `version ${version} of the table at ${location} was there a moment ago and is missing now; the newest that is left ` +
        `is ${newest}. Was it deleted by hand? Bring it back, or load the table again to go on from version ${newest}`,
      { table: location, version, newest },
    )
  }
}
