/**
 * A store on a local directory. A conditional create is a hard link: the content is written and flushed under a temporary
 * name first, and `link(2)` gives it the final one only if nobody has it, so that a reader never sees a part and a crash
 * leaves either the whole object or none.
 *
 * POSIX file systems with hard links and coherent listings only; see docs/decisions/store-local.md.
 */
import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime, uuid } from '../runtime.ts'
import { compareKeys } from './keys.ts'
import type {
  ByteRange,
  CallOptions,
  GetOptions,
  HeadResult,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  RequestEvent,
} from './store.ts'

export interface LocalStoreOptions {
  /** Flush files and directories to the disk before a write counts. Default true; false loses commits at a power cut. */
  readonly durable?: boolean
  readonly runtime?: Runtime
}

/** Temporary files carry this prefix, and are in no listing. */
const TEMPORARY = '.datashard-tmp-'
const MAX_KEY_BYTES = 1_024

/**
 * The store of a directory; keys are paths under it. The directory is made by the first write. User metadata of objects is
 * not kept, and `ifMatch` is only as good as a look right before the write: nothing rests on either.
 *
 * @example
 * ```ts
 * import { localStore } from 'datashard/store'
 *
 * const store = localStore('./somewhere')
 * const result = await store.put('a/b', new TextEncoder().encode('hello'), { mode: 'create' })
 * console.log(result.outcome)
 * ```
 */
export function localStore(directory: string, options: LocalStoreOptions = {}): ObjectStore {
  const root = resolve(directory)
  const runtime = options.runtime ?? systemRuntime
  const durable = options.durable ?? true
  const listeners = new Set<(event: RequestEvent) => void>()
  const pathOf = (key: string) => join(root, ...checkKey(key).split('/'))

  async function traced<T>(
    verb: RequestEvent['verb'],
    key: string,
    run: () => Promise<[T, number, number?]>,
  ): Promise<T> {
    const startMs = runtime.monotonic()
    const note = (status: number, bytes = 0) => {
      const durationMs = runtime.monotonic() - startMs
      for (const listener of listeners) listener({ verb, key, status, durationMs, bytes })
    }
    try {
      const [result, status, bytes] = await run()
      note(status, bytes)
      return result
    } catch (error) {
      note(0)
      throw localError(error, verb, join(root, key))
    }
  }

  async function writeTemporary(
    path: string,
    body: PutBody,
    signal: AbortSignal | undefined,
  ): Promise<[string, number]> {
    const temporary = join(dirname(path), `${TEMPORARY}${uuid(runtime)}`)
    const file = await openForWriting(temporary, root)
    let bytes = 0
    try {
      for await (const chunk of body instanceof Uint8Array ? [body] : body) {
        throwIfAborted(signal, `writing ${path}`)
        await writeAll(file, chunk)
        bytes += chunk.length
      }
      if (durable) await file.datasync()
      await file.close()
      throwIfAborted(signal, `writing ${path}`)
      return [temporary, bytes]
    } catch (error) {
      await file.close().catch(() => undefined)
      await rm(temporary, { force: true }).catch(() => undefined)
      throw error
    }
  }

  const put = (key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> =>
    traced<PutResult>('PUT', key, async () => {
      throwIfAborted(options.signal, `writing ${key}`)
      const path = pathOf(key)
      const mode = options.mode ?? 'overwrite'
      if (typeof mode === 'object' && etagOf(await stat(path).catch(nothing)) !== mode.ifMatch) {
        return [{ outcome: 'precondition-failed' }, 412]
      }
      const [temporary, bytes] = await writeTemporary(path, body, options.signal)
      const created = await place(temporary, path, mode === 'create')
      if (!created) return [{ outcome: 'precondition-failed' }, 412]
      if (durable) await flushDirectory(dirname(path))
      return [{ outcome: 'written', etag: etagOf(await stat(path).catch(nothing)) ?? '' }, 200, bytes]
    })

  return {
    url: pathToFileURL(root).href,
    conditionalCreate: { trusted: true, endpoint: 'local directory' },
    clockOffsetMs: () => 0,
    close: () => {},
    observe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    keyOf: (url) => {
      const path = url.startsWith('file:') ? filePath(url) : url
      if (path === undefined || !isAbsolute(path)) return undefined
      const inside =
        root === sep ? path.slice(1) : path.startsWith(root + sep) ? path.slice(root.length + 1) : undefined
      return inside?.split(sep).join('/')
    },
    urlOf: (key) => (root === sep ? `/${key}` : `${root}/${key}`),
    put,
    get: (key: string, options: GetOptions = {}) =>
      traced<Uint8Array | undefined>('GET', key, async () => {
        throwIfAborted(options.signal, `reading ${key}`)
        const bytes = await readRange(pathOf(key), options.range)
        return [bytes, bytes ? 200 : 404, bytes?.length ?? 0]
      }),
    head: (key: string, options: CallOptions = {}) =>
      traced<HeadResult | undefined>('HEAD', key, async () => {
        throwIfAborted(options.signal, `looking for ${key}`)
        const stats = await stat(pathOf(key)).catch(missing)
        if (!stats?.isFile()) return [undefined, 404]
        return [{ ...infoOf(key, stats), metadata: {} }, 200]
      }),
    list: (prefix: string, options: ListOptions = {}) => list(root, prefix, options, traced),
    delete: (keys: readonly string[], options: CallOptions = {}) =>
      traced('DELETE', keys[0] ?? '', async () => {
        for (const key of keys) {
          throwIfAborted(options.signal, 'deleting')
          await unlink(pathOf(key)).catch(missing)
        }
        return [undefined, 204]
      }),
  }
}

type Traced = <T>(verb: RequestEvent['verb'], key: string, run: () => Promise<[T, number, number?]>) => Promise<T>

/** Makes the directories on demand: most writes find them there. */
async function openForWriting(path: string, root: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true })
    await flushNewDirectories(dirname(path), root)
    return open(path, 'wx')
  }
}

/** A new file counts after a crash only if the directories that lead to it do. */
async function flushNewDirectories(directory: string, root: string): Promise<void> {
  for (let path = directory; path.length >= root.length; path = dirname(path)) {
    await flushDirectory(path)
    if (path === dirname(path)) return
  }
}

async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(missing)
  if (!directory) return
  // Some file systems refuse to flush a directory; there is nothing better to be had there.
  await directory.sync().catch(() => undefined)
  await directory.close()
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    at += (await file.write(chunk, at)).bytesWritten
  }
}

/** Gives the temporary file its name; false if a create finds it taken. */
async function place(temporary: string, path: string, exclusive: boolean): Promise<boolean> {
  try {
    if (!exclusive) {
      await rename(temporary, path)
      return true
    }
    await link(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    if (exclusive && codeOf(error) === 'EEXIST') return false
    throw error
  }
  await unlink(temporary).catch(() => undefined)
  return true
}

async function readRange(path: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r').catch(missing)
  if (!file) return undefined
  try {
    const stats = await file.stat()
    if (!stats.isFile()) return undefined
    const [start, end] = boundsOf(range, stats.size)
    const bytes = new Uint8Array(end - start)
    let at = 0
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return at === bytes.length ? bytes : bytes.subarray(0, at)
  } finally {
    await file.close()
  }
}

function boundsOf(range: ByteRange | undefined, size: number): [number, number] {
  if (!range) return [0, size]
  if ('suffix' in range) return [Math.max(0, size - range.suffix), size]
  const start = Math.min(range.start, size)
  return [start, Math.max(start, Math.min(range.end ?? size, size))]
}

/** Depth first in the order of keys: a directory sorts as its name with a slash behind. */
async function* list(root: string, prefix: string, options: ListOptions, traced: Traced): AsyncIterable<ObjectInfo> {
  let left = options.limit ?? Infinity
  const slash = prefix.lastIndexOf('/')
  const start = slash < 0 ? '' : prefix.slice(0, slash + 1)
  async function* walk(folder: string): AsyncIterable<ObjectInfo> {
    throwIfAborted(options.signal, `listing ${prefix}`)
    const names = await traced('LIST', folder, async () => [await namesIn(join(root, ...folder.split('/'))), 200])
    for (const name of names.toSorted(compareKeys)) {
      const key = folder + name
      if (left <= 0) return
      if (!key.startsWith(prefix) && !(name.endsWith('/') && prefix.startsWith(key))) continue
      if (name.endsWith('/')) {
        if (options.startAfter !== undefined && !mayHoldAfter(key, options.startAfter)) continue
        yield* walk(key)
        continue
      }
      if (options.startAfter !== undefined && compareKeys(key, options.startAfter) <= 0) continue
      const stats = await stat(join(root, ...key.split('/'))).catch(missing)
      if (!stats) continue
      left -= 1
      yield infoOf(key, stats)
    }
  }
  yield* walk(start)
}

function mayHoldAfter(folder: string, startAfter: string): boolean {
  return startAfter.startsWith(folder) || compareKeys(folder, startAfter) > 0
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw error
  })
  return entries
    .filter((entry) => !entry.name.startsWith(TEMPORARY))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
}

function infoOf(key: string, stats: Stats): ObjectInfo {
  return { key, size: stats.size, etag: etagOf(stats)!, lastModifiedMs: Math.round(stats.mtimeMs) }
}

function etagOf(stats: Stats | undefined): string | undefined {
  if (!stats) return undefined
  return createHash('md5').update(`${stats.ino} ${stats.size} ${stats.mtimeMs}`).digest('hex')
}

function checkKey(key: string): string {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    invalid(
      `a key of ${Buffer.byteLength(key)} bytes is longer than the ${MAX_KEY_BYTES} that stores take: ${key.slice(0, 60)}...`,
    )
  }
  if (key.includes('\0')) invalid(`a key with a NUL character: ${JSON.stringify(key)}`)
  if (key.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    invalid(`'${key}' is no key: its parts must not be empty, '.' or '..'`)
  }
  return key
}

function filePath(url: string): string | undefined {
  try {
    return fileURLToPath(url.replace(/^file:\/(?!\/)/, 'file:///'))
  } catch {
    return undefined
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}

function missing(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
  throw error
}

function nothing(): undefined {
  return undefined
}

const WHAT_TO_DO: Readonly<Record<string, readonly ['denied' | 'unavailable' | 'invalid-argument', string]>> = {
  EACCES: ['denied', 'this user may not do that; check owner and permissions'],
  EPERM: ['denied', 'this user may not do that, or the file system has no hard links'],
  EROFS: ['denied', 'the file system is read-only'],
  ENOSPC: ['unavailable', 'the disk is full; nothing was committed. Free some space and try again'],
  EDQUOT: ['unavailable', 'the disk quota is used up; nothing was committed'],
  EMFILE: ['unavailable', 'this process has too many open files; raise `ulimit -n`'],
  ENFILE: ['unavailable', 'the system has too many open files'],
  EIO: ['unavailable', 'the disk reports an input/output error'],
  ENOTDIR: ['invalid-argument', 'a part of the path is a file where a directory is needed'],
  EEXIST: ['invalid-argument', 'a part of the path is a file where a directory is needed'],
  EISDIR: ['invalid-argument', 'a directory is where a file is needed'],
  ENAMETOOLONG: ['invalid-argument', 'a name in the path is longer than the file system allows'],
  ENOTSUP: ['denied', 'the file system has no hard links, without which a commit cannot be exclusive'],
}

function localError(error: unknown, verb: string, path: string): unknown {
  const code = codeOf(error)
  const known = code === undefined ? undefined : WHAT_TO_DO[code]
  if (DataShardError.is(error) || code === undefined) return error
  const [kind, advice] = known ?? ['unavailable', 'the operating system refused it']
  return new DataShardError(kind, `${verb} ${path} failed with ${code}: ${advice}`, { cause: error, details: { path } })
}
