/** From a location to a store: the scheme decides, nothing else. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataShardError, invalid } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { localStore } from './local.ts'
import { s3Store } from './s3.ts'
import type { S3StoreOptions } from './s3.ts'
import type { ObjectStore } from './store.ts'
import { trimSlash } from './table-files.ts'

/** How to reach S3; what is left out comes from the environment, as for any tool that uses the AWS SDK. */
export type S3Options = Omit<S3StoreOptions, 'bucket' | 'runtime'>

export interface OpenStoreOptions {
  /** Use this store, whatever the location's scheme. */
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

/** No request. `invalid-argument` for a location that is none, or that the given store does not hold. */
export function openStore(location: string, options: OpenStoreOptions = {}): OpenedStore {
  const name = canonicalLocation(location, options.store !== undefined)
  if (options.store) {
    const root = options.store.url.startsWith('file:') ? trimSlash(fileURLToPath(options.store.url)) : options.store.url
    const prefix = name === root ? '' : options.store.keyOf(name)
    if (prefix === undefined) invalid(`${location} does not lie in the given store ${options.store.url}`)
    return { store: options.store, prefix: trimSlash(prefix), location: name }
  }
  const s3 = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(name)
  if (s3) {
    const runtime = options.runtime && { runtime: options.runtime }
    return { store: s3Store({ ...options.s3, ...runtime, bucket: s3[1]! }), prefix: s3[2] ?? '', location: name }
  }
  return { store: localStore(name, options.runtime ? { runtime: options.runtime } : {}), prefix: '', location: name }
}

function canonicalLocation(location: string, anyScheme: boolean): string {
  if (typeof location !== 'string' || location.trim() === '') {
    return invalid(`found ${JSON.stringify(location)} as a location, expected a directory or s3://bucket/prefix`)
  }
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]+):/.exec(location)?.[1]?.toLowerCase()
  if (scheme === undefined) return trimSlash(resolve(location))
  if (scheme === 's3' || scheme === 's3a' || scheme === 's3n') return s3Location(location)
  if (scheme === 'file') return trimSlash(filePath(location))
  if (anyScheme) return trimSlash(location)
  throw new DataShardError(
    'invalid-argument',
    `'${location}' has the scheme '${scheme}:', which DataShard has no store for; use a directory, file:///dir or ` +
      `s3://bucket/prefix, or pass a store`,
  )
}

function s3Location(location: string): string {
  const match = /^s3[an]?:\/\/([^/]+)(?:\/(.*))?$/i.exec(location)
  if (!match) return invalid(`'${location}' names no bucket; expected s3://bucket/prefix`)
  const prefix = trimSlash((match[2] ?? '').replace(/\/+$/, ''))
  if (prefix.split('/').some((part) => part === '..' || part === '.')) invalid(`'${location}' contains '.' or '..'`)
  if (prefix.includes('//') || prefix.startsWith('/')) invalid(`'${location}' has an empty part between two slashes`)
  return prefix === '' ? `s3://${match[1]!}` : `s3://${match[1]!}/${prefix}`
}

function filePath(location: string): string {
  try {
    return fileURLToPath(location.replace(/^file:\/(?!\/)/i, 'file:///'))
  } catch (error) {
    throw new DataShardError('invalid-argument', `'${location}' is no file URL of this machine`, { cause: error })
  }
}
