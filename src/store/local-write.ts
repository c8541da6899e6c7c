/**
 * Writing files so that a reader never sees a part of one, two creators never both succeed, and what was acknowledged
 * survives a crash: content under a temporary name, flushed; then the final name, by link(2) or rename(2); then the
 * directory, flushed.
 */
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { link, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { uuid } from '../runtime.ts'
import { makeDirectories } from './local-directories.ts'
import { codeOf } from './local-errors.ts'

/** Temporary files begin with this, and are in no listing. */
export const TEMPORARY_PREFIX = '.datashard-tmp-'

/** How often a directory that somebody else removes meanwhile is made again. */
const MAX_MKDIR_TRIES = 5

export interface FileWrite {
  readonly path: string
  readonly chunks: AsyncIterable<Uint8Array>
  /** Only if nothing has this name; else what has it is replaced. */
  readonly exclusive: boolean
  /** Called right before the file gets its name; false: it does not get it. */
  readonly condition?: (() => Promise<boolean>) | undefined
  readonly signal: AbortSignal | undefined
}

/** `stats` are the new file's. `unflushed`: it has its name, but may lose it in a crash. */
export type FileWritten =
  | { readonly kind: 'written'; readonly stats: BigIntStats; readonly bytes: number }
  | { readonly kind: 'exists' }
  | { readonly kind: 'unflushed'; readonly cause: unknown }

export class FileWriter {
  readonly #durable: boolean
  readonly #runtime: Runtime
  readonly #flushes = new Map<string, Flushes>()

  constructor(durable: boolean, runtime: Runtime) {
    this.#durable = durable
    this.#runtime = runtime
  }

  async write({ path, chunks, exclusive, condition, signal }: FileWrite): Promise<FileWritten> {
    const temporary = join(dirname(path), `${TEMPORARY_PREFIX}${uuid(this.#runtime)}`)
    const file = await this.#open(temporary)
    let named = false
    try {
      const [stats, bytes] = await this.#fill(file, chunks)
      throwIfAborted(signal, `writing ${path}`)
      if (condition && !(await condition())) return { kind: 'exists' }
      named = exclusive ? await linkExclusively(temporary, path) : await renamed(temporary, path)
      if (!named) return { kind: 'exists' }
      // From here on the file is there for everybody; only its survival is open.
      const flushing = this.#durable ? this.#flush(dirname(path)) : undefined
      if (exclusive) await unlink(temporary).catch(() => undefined)
      const failed = await flushing
      return failed ? { kind: 'unflushed', cause: failed.error } : { kind: 'written', stats, bytes }
    } finally {
      if (!named) await unlink(temporary).catch(() => undefined)
    }
  }

  async #fill(file: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<[BigIntStats, number]> {
    try {
      let bytes = 0
      for await (const chunk of chunks) {
        await writeAll(file, chunk)
        bytes += chunk.length
      }
      // fsync(2) once per file, however many chunks: the size must be flushed too, which fdatasync(2) does.
      if (this.#durable) await file.datasync()
      return [await file.stat({ bigint: true }), bytes]
    } finally {
      await file.close()
    }
  }

  /** Makes the directories on demand: nearly all writes find them there. */
  async #open(path: string): Promise<FileHandle> {
    for (let tries = 1; ; tries++) {
      try {
        return await open(path, 'wx')
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || tries === MAX_MKDIR_TRIES) throw error
      }
      const first = await makeDirectories(dirname(path))
      if (first === undefined || !this.#durable) continue
      // A file survives a crash only if every directory that leads to it does.
      for (let made = dirname(path); made.length >= first.length; made = dirname(made)) {
        const failed = await this.#flush(dirname(made))
        if (failed) throw failed.error
      }
    }
  }

  /**
   * Flushes a directory's names. Writes that wait for the same directory share a flush, the next to begin: one that is
   * running may have begun before their names were in it.
   */
  async #flush(directory: string): Promise<{ readonly error: unknown } | undefined> {
    const flushes = this.#flushes.get(directory) ?? { running: undefined, next: undefined }
    this.#flushes.set(directory, flushes)
    if (flushes.next) return flushes.next
    if (flushes.running) {
      flushes.next = flushes.running.then(() => {
        flushes.next = undefined
        return this.#startFlush(directory, flushes)
      })
      return flushes.next
    }
    return this.#startFlush(directory, flushes)
  }

  #startFlush(directory: string, flushes: Flushes): Promise<Flushed> {
    const running = flushDirectory(directory).then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    flushes.running = running
    void running.then(() => {
      if (flushes.running === running) flushes.running = undefined
      if (!flushes.running && !flushes.next) this.#flushes.delete(directory)
    })
    return running
  }
}

type Flushed = { readonly error: unknown } | undefined

interface Flushes {
  running: Promise<Flushed> | undefined
  next: Promise<Flushed> | undefined
}

async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } catch (error) {
    // Some file systems have no flush for directories: nothing better is to be had there.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  } finally {
    await directory.close()
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    at += (await file.write(chunk, at)).bytesWritten
  }
}

async function renamed(temporary: string, path: string): Promise<true> {
  await rename(temporary, path)
  return true
}

/** Network file systems answer like this also to a link that was made. */
const UNCLEAR = new Set(['EEXIST', 'EIO', 'ESTALE', 'ETIMEDOUT'])

/** Gives a file its second name; false if somebody has it. */
async function linkExclusively(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    if (!UNCLEAR.has(codeOf(error) ?? '')) throw error
    if (codeOf(error) !== 'EEXIST' && !(await stat(path).catch(() => undefined))) throw error
  }
  const [ours, theirs] = await Promise.all([stat(temporary), stat(path).catch(() => undefined)])
  // A directory has no content to lose the race to: the key is impossible here.
  if (theirs?.isDirectory()) throw Object.assign(new Error(`EISDIR: ${path} is a directory`), { code: 'EISDIR' })
  // Network file systems repeat a link whose answer was lost, and then meet their own.
  return theirs?.ino === ours.ino && theirs.dev === ours.dev
}
