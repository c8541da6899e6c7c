/**
 * Where a table's objects are: paths as metadata names them, on one side, keys of an object store on the other.
 *
 * A table may be read from another place than the one its metadata names (a bucket mapped to a directory, a copied
 * folder): paths under the metadata's `location` are found under the place that was opened. What lies elsewhere is
 * read only where the credentials decide about access anyway, in the same bucket; on a disk a table's metadata must
 * not make a program open any file that it names.
 */
import { corrupt, DataShardError, unsupported } from '../errors.ts'
import { checkKey } from './keys.ts'
import type { ObjectStore } from './store.ts'

export interface TableFiles {
  readonly store: ObjectStore
  /** Key prefix of the table, without a trailing slash; '' when the table is the store's root. */
  readonly prefix: string
  /** `location` of the table metadata, without a trailing slash. */
  readonly location: string
  /** The key of a path in metadata. `corrupt` if the path leads out of the table. No request. */
  resolve(path: string): string
  /** A path for people: where the table was copied or moved, also the place that it is read from. */
  shown(path: string): string
  /** The key of a name under the table: `key('metadata/v1.metadata.json')`. */
  key(name: string): string
  /** How metadata names a key of this table. */
  pathOf(key: string): string
}

export function tableFiles(store: ObjectStore, prefix: string, location: string): TableFiles {
  const base = trimSlash(location)
  const bases = alternativeNames(base)
  const key = (name: string) => (prefix === '' ? name : `${prefix}/${name}`)
  const isHere = bases.includes(trimSlash(store.urlOf(prefix)))
  const within = (tail: string, path: string) => safeTail(tail, path, base, store.url.startsWith('file:'))
  const resolve = (path: string) => {
    for (const name of bases) {
      if (path.startsWith(`${name}/`)) return checkName(key(within(path.slice(name.length + 1), path)), path, base)
    }
    const outside = sharesBucket(path, store.url) ? store.keyOf(path) : undefined
    if (outside === undefined) throw elsewhere(path, base)
    return checkName(within(outside, path), path, base)
  }
  return {
    store,
    prefix,
    location: base,
    key,
    resolve,
    shown: (path) => (isHere ? path : `${path} (read from ${store.urlOf(resolve(path))})`),
    pathOf: (objectKey) => {
      const root = prefix === '' ? '' : `${prefix}/`
      if (!objectKey.startsWith(root)) throw new DataShardError('internal', `'${objectKey}' is no key of ${base}`)
      return `${base}/${objectKey.slice(root.length)}`
    },
  }
}

/** Java writes local paths as `file:/dir`, `file:///dir` or bare, and S3 ones with any of three schemes. */
function alternativeNames(location: string): readonly string[] {
  const local = /^(?:file:\/\/|file:)?(\/(?!\/).*)$/.exec(location)
  if (local) return [location, local[1]!, `file:${local[1]!}`, `file://${local[1]!}`]
  const s3 = /^s3[an]?:\/\/(.*)$/.exec(location)
  if (s3) return [`s3://${s3[1]!}`, `s3a://${s3[1]!}`, `s3n://${s3[1]!}`]
  return [location]
}

function sharesBucket(path: string, storeUrl: string): boolean {
  return /^(?:s3[an]?|memory):\/\//.test(path) && /^(?:s3|memory):/.test(storeUrl)
}

/** A key below the table, from what follows its location in a path. */
function safeTail(tail: string, path: string, location: string, onDisk: boolean): string {
  const parts = tail.split('/')
  if (parts.at(-1) === '' || parts.some((part) => part === '..' || part === '.')) throw escapes(path, location)
  if (!parts.includes('')) return tail
  // Some writers double slashes; to a disk they mean one, to S3 another key.
  if (!onDisk) unsupported(`the table at ${location} names '${path}': keys with two slashes in a row are not supported`)
  return parts.filter((part) => part !== '').join('/')
}

/** What `details.feature` of an error says about files that lie elsewhere, as `write.data.path` puts them. */
export const FILES_ELSEWHERE = 'files outside of the table'

/** A whole path that leads to another place is no damage: other engines read such tables. What is no path at all is. */
function elsewhere(path: string, location: string): DataShardError {
  const error = escapes(path, location)
  const isWhole = /^(?:[a-z][a-z0-9]*:)?\/+[^/]/i.test(path) && !path.split('/').some((part) => part === '..')
  if (!isWhole) return error
  return new DataShardError('unsupported', error.message, { details: { ...error.details, feature: FILES_ELSEWHERE } })
}

function escapes(path: string, location: string): DataShardError {
  return new DataShardError(
    'corrupt',
    `the table at ${location} names '${path}', which lies outside of it; nothing was read. If the table was moved or ` +
      `registers files of another place, copy them under its location`,
    { details: { path, table: location } },
  )
}

/** Text that no store has as a name is damage of the metadata, not a mistake of who reads it. */
function checkName(key: string, path: string, location: string): string {
  try {
    return checkKey(key)
  } catch (error) {
    if (!DataShardError.is(error)) throw error
    return corrupt(
      `the table at ${location} names an object that cannot be: ${error.message}; restore the metadata that names it`,
      { path: path.slice(0, 1_000), table: location },
    )
  }
}

/** @throws `corrupt`: an object that metadata names is not there. */
export function missingObject(what: string, path: string, files: TableFiles): never {
  corrupt(
    `${what} ${files.shown(path)} does not exist. If the table was dropped or cleaned up since it was opened, refresh it and read ` +
      'again, else run `datashard verify`',
    { path, table: files.location },
  )
}

export function trimSlash(location: string): string {
  return location.length > 1 ? location.replace(/\/+$/, '') : location
}
