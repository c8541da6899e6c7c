/**
 * The version hint: a lower bound of the head for whoever opens the table. No safety rests on it, but DuckDB trusts it
 * exactly, so a slow writer must not move it back: each write is guarded by the etag of the hint that it replaces
 * (`If-Match`); a mismatch means that others wrote, and then only a higher number replaces theirs. The first write of a
 * process looks first, two requests more; later ones know the etag of their own last one.
 */
import type { Place } from './place.ts'
import { keyIn } from './place.ts'
import { encodeHint, HINT_NAME, parseHint, versionName } from './version.ts'

const MAX_TRIES = 4

export class HintWriter {
  readonly #place: Place
  #etag: string | undefined
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
      await this.#write(version).catch(() => undefined)
      this.#written = version
    }
    // In the same turn as the last look at `#wanted`: a version raised a microtask later must start the next run.
    this.#running = undefined
  }

  /** A hint above all versions is no lower bound but damage, and nobody else repairs it. */
  async #exists(version: number): Promise<boolean> {
    return (await this.#place.store.head(keyIn(this.#place, versionName(version)))) !== undefined
  }

  async #write(version: number): Promise<void> {
    const { store } = this.#place
    const key = keyIn(this.#place, HINT_NAME)
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (this.#etag === undefined && (await this.#isAhead(version))) return
      const mode = this.#etag === undefined ? 'overwrite' : { ifMatch: this.#etag }
      const put = await store.put(key, encodeHint(version), { mode, contentType: 'text/plain' }).catch(() => undefined)
      this.#etag = put?.outcome === 'written' ? put.etag : undefined
      if (put?.outcome === 'written') return
      if (put?.outcome === 'precondition-failed') continue
      // No answer, or a store without If-Match: then unconditionally, which is as good as it gets there.
      await store.put(key, encodeHint(version), { contentType: 'text/plain' })
      return
    }
  }

  /** Whether a hint is there that is no older and names a version; learns the etag that guards the next write. */
  async #isAhead(version: number): Promise<boolean> {
    const { store } = this.#place
    const key = keyIn(this.#place, HINT_NAME)
    // The etag first: if the hint moves in between, the etag is the older one and the write fails cleanly.
    this.#etag = (await store.head(key))?.etag
    const bytes = await store.get(key)
    const theirs = bytes && parseHint(bytes)
    return theirs !== undefined && theirs >= version && (await this.#exists(theirs))
  }
}
