/** From a location to a store: the scheme decides, nothing else. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataShardError, invalid } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { describeValue } from '../spec/describe.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'
import { checkPrefix } from './keys.ts'
import { localStore } from './local.ts'
import { memoryStore } from './memory.ts'
import type { S3StoreOptions } from './s3.ts'
import { S3_STORE_OPTIONS, s3Store } from './s3.ts'
import type { ObjectStore } from './store.ts'
import { trimSlash } from './table-files.ts'

/** How to reach S3; what is left out comes from the environment, as for any tool that uses the AWS SDK. */
export type S3Options = Omit<S3StoreOptions, 'bucket' | 'runtime'>

export interface OpenStoreOptions {
  /** Use this store, whatever the location's scheme; the location must lie in it. */
  readonly store?: ObjectStore
  readonly s3?: S3Options
  readonly runtime?: Runtime
}

export interface OpenedStore {
  readonly store: ObjectStore
  /** Key prefix of the location, without a trailing slash; '' for the root of the store. */
  readonly prefix: string
  /** As table metadata names it: `s3://bucket/prefix`, or an absolute path. */
  readonly location: string
}

const { bucket: _bucket, runtime: _runtime, ...s3Names } = S3_STORE_OPTIONS
export const S3_OPTIONS: OptionNames<S3Options> = s3Names
const OPEN_STORE_OPTIONS: OptionNames<OpenStoreOptions> = { store: true, s3: true, runtime: true }

const EXPECTED = 'a directory, file:///directory or s3://bucket/prefix'

/**
 * The store that a location lies in: a directory (relative paths are resolved, `~` is not), a `file:` URL, `s3://` (`s3a`,
 * `s3n`), or `memory://name`, which is shared within the process. No request is sent. `invalid-argument` for anything else,
 * also what only resembles one of these: a directory named `s3:` is never made.
 */
export function openStore(location: string, options: OpenStoreOptions = {}): OpenedStore {
  checkOptions('openStore', options, OPEN_STORE_OPTIONS)
  const { store, s3, runtime } = options
  checkOptions('s3', s3, S3_OPTIONS)
  const place = parseLocation(location)
  if (store) {
    checkStore(store)
    return within(store, place, location)
  }
  const using = runtime && { runtime }
  if (place.kind === 's3') {
    return { store: s3Store({ ...s3, ...using, bucket: place.bucket }), prefix: place.prefix, location: place.name }
  }
  if (place.kind === 'directory') return { store: localStore(place.name, using), prefix: '', location: place.name }
  if (place.scheme === 'memory') return within(namedMemory(place.name), place, location)
  throw new DataShardError(
    'invalid-argument',
    `'${location}' has the scheme '${place.scheme}:', for which there is no store; use ${EXPECTED}, or pass a store. ` +
      `A directory with a colon in its name is written with ./ before it`,
  )
}

/** By shape, so that another copy of the package, and stores of users, will do. */
function checkStore(store: ObjectStore): void {
  if (typeof store === 'object' && typeof store.url === 'string' && typeof store.put === 'function') return
  invalid(`found ${describeValue(store)} as store, expected one of s3Store, localStore, memoryStore, or the like`)
}

type Location =
  | { readonly kind: 's3'; readonly name: string; readonly bucket: string; readonly prefix: string }
  | { readonly kind: 'directory'; readonly name: string }
  | { readonly kind: 'other'; readonly name: string; readonly scheme: string }

function parseLocation(location: string): Location {
  if (typeof location !== 'string' || location.trim() === '') {
    invalid(`found ${describeValue(location)} as a location, expected ${EXPECTED}`)
  }
  if (location.includes('\0')) invalid(`the location ${JSON.stringify(location)} contains a NUL, which no name can`)
  const scheme = /^\s*([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(location)?.[1]?.toLowerCase()
  // A blank in front would hide the scheme, and make a directory called ' s3:'.
  if (scheme !== undefined && location !== location.trim()) {
    invalid(`the location ${JSON.stringify(location)} begins or ends with blanks; take them away`)
  }
  if (scheme === undefined) return { kind: 'directory', name: trimSlash(resolve(location)) }
  if (scheme === 's3' || scheme === 's3a' || scheme === 's3n') return parseS3(location)
  if (scheme === 'file') return { kind: 'directory', name: trimSlash(resolve(pathOfUrl(location))) }
  return { kind: 'other', name: trimSlash(location), scheme }
}

/** Keys are taken as they stand: S3 locations are no URLs that could be percent-encoded, to no engine. */
function parseS3(location: string): Location {
  const match = /^s3[an]?:\/\/([^/]*)(?:\/(.*))?$/is.exec(location)
  if (!match) invalid(`'${location}' is no S3 location; expected s3://bucket/prefix`)
  const [, bucket = '', path = ''] = match
  if (bucket.includes('@')) invalid('an S3 location has credentials in it; set AWS_ACCESS_KEY_ID and its like instead')
  if (!/^[a-z0-9][a-z0-9._-]{1,253}[a-z0-9]$/i.test(bucket)) {
    invalid(`'${location}' names no bucket ('${bucket}' cannot be one); expected s3://bucket/prefix`)
  }
  const prefix = path.replace(/\/+$/, '')
  if (prefix !== '') checkPrefix(`${prefix}/`)
  return { kind: 's3', name: prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`, bucket, prefix }
}

/** `file:///dir`, or `file:/dir` as Java writes it. */
function pathOfUrl(location: string): string {
  const url = location.replace(/^file:\/(?!\/)/i, 'file:///')
  if (!/^file:\/\//i.test(url))
    invalid(`'${location}' is no file URL with an absolute path; expected file:///directory`)
  if (/[?#]/.test(url)) {
    invalid(`'${location}' has a '?' or '#', which ends the path of a URL; write %3F or %23, or the bare path`)
  }
  try {
    return fileURLToPath(url)
  } catch (error) {
    const text = `'${location}' is no file URL of this machine; expected file:///directory, percent-encoded`
    throw new DataShardError('invalid-argument', text, { cause: error })
  }
}

function within(store: ObjectStore, place: Location, location: string): OpenedStore {
  const root = store.url.startsWith('file:') ? trimSlash(fileURLToPath(store.url)) : store.url
  const prefix = place.name === root ? '' : store.keyOf(place.name)
  if (prefix === undefined) invalid(`'${location}' does not lie in the given store, ${store.url}`)
  if (prefix !== '') checkPrefix(`${trimSlash(prefix)}/`)
  return { store, prefix: trimSlash(prefix), location: place.name }
}

const memories = new Map<string, ObjectStore>()

/** Everybody in the process who says `memory://name` means the same store. */
function namedMemory(location: string): ObjectStore {
  const name = /^memory:\/\/([^/]+)/i.exec(location)?.[1]
  if (name === undefined) invalid(`'${location}' names no store in memory; expected memory://name/prefix`)
  const store = memories.get(name) ?? memoryStore({ name })
  memories.set(name, store)
  return store
}
