/**
 * The version hint: a lower bound of the head for whoever opens the table. DuckDB trusts it exactly, and versions are
 * deleted by what it says, so that it must never go back: a version below it may be gone. Each write replaces one known
 * hint (`If-Match`), or none (`create`), by a higher number. If it fails, others wrote, and then only a number above theirs
 * goes there. The first write of a process looks first, two requests more; later ones know the hint of their own last one.
 */
import { DataShardError } from '../errors.ts'
import type { Sighting } from './custody.ts'
import { inCustody, sighting } from './custody.ts'
import type { Place } from './place.ts'
import { keyIn } from './place.ts'
import { encodeHint, HINT_NAME, parseHint, versionName } from './version.ts'

const MAX_TRIES = 4

/** A hint as it was written or found. */
interface KnownHint {
  /** 0 where there is none, or one that says nothing. */
  readonly version: number
  /** Of this hint or an older one, never of a newer one; undefined where there is none. */
  readonly etag: string | undefined
  readonly seen: Sighting
}

export class HintWriter {
  readonly #place: Place
  #known: KnownHint | undefined
  #lacksIfMatch = false
  #wanted = 0
  #written = 0
  #running: Promise<void> | undefined

  constructor(place: Place) {
    this.#place = place
  }

  /** Notes that `version` is committed and writes it in the background, the newest only; see {@link flush}. */
  raise(version: number): void {
    this.#wanted = Math.max(this.#wanted, version)
    if (this.#written < this.#wanted) this.#running ??= this.#run()
  }

  /** Resolves when the hint has been written, or could not be: it is best effort and never fails a commit. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#written < this.#wanted) {
      const version = this.#wanted
      await this.#write(version).catch(() => (this.#known = undefined))
      this.#written = version
    }
    // In the same turn as the last look at `#wanted`: a version raised a microtask later must start the next run.
    this.#running = undefined
  }

  async #write(version: number): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const known = (this.#known ??= await this.#look(version))
      if (known.version >= version) return
      if (this.#lacksIfMatch) {
        await this.#writeBlindly(version, known)
        return
      }
      const etag = await this.#replace(version, known)
      if (etag !== undefined) {
        this.#known = { version, etag, seen: sighting(this.#place.runtime) }
        return
      }
      // Others wrote, or no answer came: it may be there, now or later.
      if (!this.#lacksIfMatch) this.#known = undefined
    }
  }

  /** The etag of the hint that was written. */
  async #replace(version: number, known: KnownHint): Promise<string | undefined> {
    const { store } = this.#place
    const mode = known.etag === undefined ? 'create' : { ifMatch: known.etag }
    try {
      const put = await store.put(keyIn(this.#place, HINT_NAME), encodeHint(version), {
        mode,
        contentType: 'text/plain',
      })
      return put.outcome === 'written' ? put.etag : undefined
    } catch (error) {
      if (known.etag === undefined || !DataShardError.is(error, 'unsupported')) throw error
      this.#lacksIfMatch = true
      return undefined
    }
  }

  /** Without If-Match, right after a look, which is as good as it gets there: not if this process slept in between. */
  async #writeBlindly(version: number, known: KnownHint): Promise<void> {
    this.#known = undefined
    if (!inCustody(known.seen, this.#place.runtime)) return
    await this.#place.store.put(keyIn(this.#place, HINT_NAME), encodeHint(version), { contentType: 'text/plain' })
  }

  async #look(version: number): Promise<KnownHint> {
    const { store, runtime } = this.#place
    const key = keyIn(this.#place, HINT_NAME)
    const seen = sighting(runtime)
    // The etag first: if the hint moves in between, the etag is the older one and the write fails cleanly.
    const etag = (await store.head(key))?.etag
    const bytes = await store.get(key)
    const theirs = (bytes && parseHint(bytes)) ?? 0
    // A hint above all versions is no lower bound but damage, and nobody else repairs it.
    const isDamaged = theirs >= version && !(await this.#exists(theirs))
    return { version: isDamaged ? 0 : theirs, etag, seen }
  }

  async #exists(version: number): Promise<boolean> {
    return (await this.#place.store.head(keyIn(this.#place, versionName(version)))) !== undefined
  }
}
