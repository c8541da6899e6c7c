/** Where versions are, and by whose clock: what every step of the protocol needs. */
import type { Runtime } from '../runtime.ts'
import type { ObjectStore } from '../store/store.ts'

export interface Place {
  readonly store: ObjectStore
  /** Key prefix of the table without a trailing slash, '' for the store's root. */
  readonly prefix: string
  /** As the user named it, for messages. */
  readonly location: string
  readonly runtime: Runtime
}

export function keyIn(place: Place, name: string): string {
  return place.prefix === '' ? name : `${place.prefix}/${name}`
}

/** The other way: the name under the table of a key that lies there. */
export function nameIn({ prefix }: Pick<Place, 'prefix'>, key: string): string {
  return prefix === '' ? key : key.slice(prefix.length + 1)
}

/** Time by the store's clock, so that one writer's wrong clock does not drag the table along. */
export function storeNow(place: Place): number {
  return Math.round(place.runtime.now() + place.store.clockOffsetMs())
}
