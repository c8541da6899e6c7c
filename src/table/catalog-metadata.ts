/** Tables whose versions a catalog names: they lie where ours do, but nothing there says which version is the newest. */
import type { Place } from '../commit/place.ts'
import { keyIn, nameIn } from '../commit/place.ts'
import { parseVersionName } from '../commit/version.ts'

/** As far as it is looked: names of metadata files come early in a listing, since most begin with digits. */
const MAX_KEYS = 1_000

/** The key of the newest metadata file that is no version of ours, if there is one. One request. */
export async function catalogMetadata(place: Place, signal?: AbortSignal): Promise<string | undefined> {
  let newest: string | undefined
  for await (const { key } of place.store.list(keyIn(place, 'metadata/'), { limit: MAX_KEYS, signal })) {
    if (key.endsWith('.metadata.json') && !parseVersionName(nameIn(place, key))) newest = key
  }
  return newest
}
