/**
 * A store on a local directory. A conditional create is a hard link: a reader never sees a part of an object, and a crash
 * leaves either the whole of it or nothing (local-write.ts).
 *
 * POSIX file systems with hard links and coherent listings only; see docs/decisions/store-local-durability.md.
 */
import { constants } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { open, stat, unlink } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { corrupt, DataShardError, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime } from '../runtime.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'
import { BodyChunks } from './body.ts'
import { boundsOf, checkRange } from './byte-range.ts'
import { ClockOffset } from './clock-offset.ts'
import { checkKey, checkPrefix } from './keys.ts'
import { codeOf, localError, notADirectory } from './local-errors.ts'
import { listFiles } from './local-list.ts'
import type { FileWritten } from './local-write.ts'
import { FileWriter, TEMPORARY_PREFIX } from './local-write.ts'
import { Observers } from './observers.ts'
import { withOpenFile } from './open-files.ts'
import type {
  CallOptions,
  GetOptions,
  HeadOptions,
  HeadResult,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutMode,
  PutOptions,
  PutResult,
  RequestEvent,
} from './store.ts'

/** What one array holds everywhere; each object that is read whole is far below. */
const MAX_READ_BYTES = 2 ** 31 - 1

/**
 * A named pipe in the place of a file would otherwise be waited for until somebody writes to it, in one of the few threads that do
 * all file work of the process. Files never wait.
 */
const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

export interface LocalStoreOptions {
  /**
   * Flush files and directories to the disk before a write counts. Default true; with false a power cut may lose what was
   * acknowledged (a crash of the process alone does not).
   */
  readonly durable?: boolean
  readonly runtime?: Runtime
}

const LOCAL_STORE_OPTIONS: OptionNames<LocalStoreOptions> = { durable: true, runtime: true }

/** From here on a create looks first whether it can succeed at all. */
const LARGE_BYTES = 32 * 1024

/** Bytes read at once: a cancelled read of a large file ends after as many. */
const READ_BYTES = 16 * 1024 * 1024
/** Kernels write times of files that are up to one timer tick old. */
const MTIME_RESOLUTION_MS = 20

/**
 * The store of a directory; keys are paths under it. The directory is made by the first write. User metadata of objects
 * is not kept, and `ifMatch` is only as good as a look right before the write: nothing rests on either.
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
  checkOptions('localStore', options, LOCAL_STORE_OPTIONS)
  return new LocalStore(directory, options)
}

class LocalStore implements ObjectStore {
  readonly url: string
  readonly conditionalCreate = { trusted: true, endpoint: 'local directory' }
  readonly #root: string
  readonly #runtime: Runtime
  readonly #writer: FileWriter
  readonly #observers = new Observers()
  readonly #clock = new ClockOffset()

  constructor(directory: string, options: LocalStoreOptions) {
    this.#root = resolve(directory)
    this.url = pathToFileURL(this.#root).href
    this.#runtime = options.runtime ?? systemRuntime
    this.#writer = new FileWriter(options.durable ?? true, this.#runtime)
  }

  keyOf(url: string): string | undefined {
    const path = url.startsWith('file:') ? filePath(url) : url
    if (path === undefined || !isAbsolute(path)) return undefined
    const base = this.#root === sep ? sep : this.#root + sep
    if (!path.startsWith(base)) return undefined
    const key = path.slice(base.length).split(sep).join('/')
    return key.split('/').some((part) => part === '..' || part === '.') ? undefined : key
  }

  /** A bare absolute path: `file://` and a `#` or `?` in the name are read differently by different engines. */
  urlOf(key: string): string {
    return this.#root === sep ? `/${key}` : `${this.#root}/${key}`
  }

  clockOffsetMs(): number {
    return this.#clock.ms
  }

  observe(listener: (event: RequestEvent) => void): () => void {
    return this.#observers.add(listener)
  }

  close(): void {}

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(key)
    checkRange(options.range)
    throwIfAborted(options.signal, `reading ${path}`)
    if (options.versionId !== undefined) return undefined
    return this.#observed('GET', 'reading', key, async () => {
      const bytes = await withOpenFile(() => this.#read(path, options))
      return bytes ? [bytes, options.range ? 206 : 200, bytes.length] : [undefined, 404]
    })
  }

  async head(key: string, options: HeadOptions = {}): Promise<HeadResult | undefined> {
    const path = this.#pathOf(key)
    throwIfAborted(options.signal, `looking for ${path}`)
    if (options.versionId !== undefined) return undefined
    return this.#observed('HEAD', 'looking for', key, async () => {
      const stats = await this.#present(stat(path, { bigint: true }))
      return stats?.isFile() ? [{ ...infoOf(key, stats), metadata: {} }, 200] : [undefined, 404]
    })
  }

  async put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    const path = this.#pathOf(key)
    throwIfAborted(options.signal, `writing ${path}`)
    const mode = options.mode ?? 'overwrite'
    const chunks = new BodyChunks(body, `writing ${path}`, options.signal)
    return this.#observed('PUT', 'writing', key, async () => {
      if (mode === 'create' && body instanceof Uint8Array && body.length >= LARGE_BYTES) {
        // Somebody who lost a race for a version would write all of it, flush it, and delete it.
        const found = await this.#present(stat(path))
        if (found?.isFile()) return outcomeOf({ kind: 'exists' }, mode)
      }
      const sentMs = this.#runtime.now()
      const write = () => this.#writer.write(this.#fileWrite(path, chunks, mode, options.signal))
      // A stream may itself be read from this store, and would then wait for slots that such streams hold.
      const result = await (body instanceof Uint8Array ? withOpenFile(write) : write())
      if (result.kind === 'written') this.#learnClock(result.stats, sentMs)
      return outcomeOf(result, mode)
    }).catch((error: unknown) => {
      chunks.throwIfSourceFailed()
      throw error
    })
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix)
    const files = listFiles(this.#root, prefix, options, (folder, read) =>
      this.#observed('LIST', 'listing', folder, async () => [(await this.#present(read())) ?? [], 200]),
    )
    for await (const { key, stats } of files) yield infoOf(key, stats)
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    const paths = keys.map((key) => this.#pathOf(key))
    if (keys.length === 0) return
    throwIfAborted(options.signal, `deleting ${paths[0]!}`)
    await this.#observed('DELETE', 'deleting', keys[0]!, async () => {
      for (const path of paths) {
        throwIfAborted(options.signal, `deleting ${path}`)
        await this.#present(unlink(path)).catch(async (error: unknown) => {
          // A directory is no object: there is none of this name. (Linux says EISDIR, macOS EPERM.)
          const found = await stat(path).catch(() => undefined)
          if (!found?.isDirectory()) throw error
        })
      }
      return [undefined, 204]
    })
  }

  #pathOf(key: string): string {
    checkKey(key)
    if (key.slice(key.lastIndexOf('/') + 1).startsWith(TEMPORARY_PREFIX)) {
      throw new DataShardError('invalid-argument', `the key '${key}' has a name that is kept for temporary files`)
    }
    return join(this.#root, key)
  }

  #fileWrite(path: string, chunks: BodyChunks, mode: PutMode, signal: AbortSignal | undefined) {
    const condition =
      typeof mode === 'object'
        ? async () => etagOf(await this.#present(stat(path, { bigint: true }))) === mode.ifMatch
        : undefined
    return { path, chunks, exclusive: mode === 'create', condition, signal }
  }

  async #read(path: string, { range, signal }: GetOptions): Promise<Uint8Array | undefined> {
    const file = await this.#present(open(path, READ_WITHOUT_WAITING))
    if (!file) return undefined
    try {
      const stats = await file.stat()
      if (!stats.isFile()) return undefined
      const [start, end] = boundsOf(range, stats.size)
      if (end - start > MAX_READ_BYTES) {
        corrupt(
          `${path} is damaged: it has ${stats.size} bytes, and nothing that is read at once is so long; restore it`,
        )
      }
      const bytes = new Uint8Array(end - start)
      for (let at = 0; at < bytes.length;) {
        throwIfAborted(signal, `reading ${path}`)
        const { bytesRead } = await file.read(bytes, at, Math.min(READ_BYTES, bytes.length - at), start + at)
        if (bytesRead === 0) return bytes.slice(0, at)
        at += bytesRead
      }
      throwIfAborted(signal, `reading ${path}`)
      return bytes
    } finally {
      await file.close()
    }
  }

  /** Undefined where nothing is. A file in place of the whole directory is an error: the location is wrong. */
  async #present<T>(found: Promise<T>): Promise<T | undefined> {
    try {
      return await found
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOTDIR') await this.#refuseFileAsRoot()
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw error
    }
  }

  async #refuseFileAsRoot(): Promise<void> {
    const root = await stat(this.#root).catch(() => undefined)
    if (root && !root.isDirectory()) throw notADirectory(this.#root)
  }

  #learnClock(stats: BigIntStats, sentMs: number): void {
    const receivedMs = this.#runtime.now()
    const storeMs = Number(stats.mtimeMs)
    this.#clock.learn({ storeMs, resolutionMs: MTIME_RESOLUTION_MS, sentMs, receivedMs })
  }

  async #observed<T>(
    verb: RequestEvent['verb'],
    doing: string,
    key: string,
    run: () => Promise<readonly [value: T, status: number, bytes?: number]>,
  ): Promise<T> {
    const startMs = this.#runtime.monotonic()
    const note = (status: number, bytes: number) =>
      this.#observers.note({ verb, key, status, durationMs: this.#runtime.monotonic() - startMs, bytes })
    try {
      const [value, status, bytes = 0] = await run()
      note(status, bytes)
      return value
    } catch (error) {
      note(0, 0)
      const code = codeOf(error)
      if (code === 'ENOTDIR' || code === 'EEXIST') await this.#refuseFileAsRoot()
      throw localError(error, doing, join(this.#root, key))
    }
  }
}

function outcomeOf(result: FileWritten, mode: PutMode): readonly [PutResult, number, number?] {
  if (result.kind === 'exists') return [{ outcome: 'precondition-failed' }, 412]
  if (result.kind === 'written') return [{ outcome: 'written', etag: etagOf(result.stats)! }, 200, result.bytes]
  if (mode === 'overwrite') throw result.cause
  return [{ outcome: 'unknown', cause: result.cause }, 0]
}

function infoOf(key: string, stats: BigIntStats): ObjectInfo {
  return { key, size: Number(stats.size), etag: etagOf(stats)!, lastModifiedMs: Number(stats.mtimeMs) }
}

/** Every write makes a new inode, so content never changes under an etag unless somebody edits files by hand. */
function etagOf(stats: BigIntStats | undefined): string | undefined {
  return stats && `"${stats.ino.toString(36)}-${stats.size.toString(36)}-${stats.mtimeNs.toString(36)}"`
}

/** The path of a file URL, also as Java writes it (`file:/dir`); undefined if it is none of this machine. */
function filePath(url: string): string | undefined {
  try {
    return fileURLToPath(url.replace(/^file:\/(?!\/)/, 'file:///'))
  } catch {
    return undefined
  }
}
