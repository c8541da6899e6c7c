/** Who watches the requests of a store. */
import type { RequestEvent } from './store.ts'

export class Observers {
  readonly #listeners = new Set<(event: RequestEvent) => void>()

  /** Adds a listener; the returned function takes it away. */
  add(listener: (event: RequestEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  note(event: RequestEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
