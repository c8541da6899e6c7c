/** What a disk can do to a store, and what the store makes of it: the right error, no half objects, nothing left behind. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import type * as FsPromises from 'node:fs/promises'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { localStore } from '../../src/store/local.ts'
import type { ObjectStore, PutMode } from '../../src/store/store.ts'

type Call = 'open' | 'link' | 'rename' | 'unlink' | 'mkdir' | 'stat' | 'readdir' | 'write' | 'datasync' | 'sync'

/** Calls of the file system that fail, by name, and how; and all calls that were made. */
const fs = vi.hoisted(() => ({ failing: new Map<string, string>(), calls: [] as string[] }))

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FsPromises>()
  const called = (name: Call) => {
    fs.calls.push(name)
    const code = fs.failing.get(name)
    if (code !== undefined) throw Object.assign(new Error(`${code}: injected into ${name}`), { code })
  }
  const wrapped = <A extends unknown[], R>(name: Call, run: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      called(name)
      return run(...args)
    }
  }
  const open = async (path: string, flags: string) => {
    called('open')
    const file = await real.open(path, flags)
    for (const name of ['write', 'datasync', 'sync'] as const) {
      const run = file[name].bind(file) as (...args: unknown[]) => Promise<unknown>
      Object.defineProperty(file, name, { value: wrapped(name, run) })
    }
    return file
  }
  const { link, rename, unlink, mkdir: makeDirectory, stat, readdir } = real
  return {
    ...real,
    open,
    link: wrapped('link', link),
    rename: wrapped('rename', rename),
    unlink: wrapped('unlink', unlink),
    mkdir: wrapped('mkdir', makeDirectory as (...args: unknown[]) => Promise<unknown>),
    stat: wrapped('stat', stat as (...args: unknown[]) => Promise<unknown>),
    readdir: wrapped('readdir', readdir as (...args: unknown[]) => Promise<unknown>),
  }
})

const BYTES = new TextEncoder().encode('some bytes')
const MODES: readonly PutMode[] = ['create', 'overwrite', { ifMatch: '"x"' }]

let base: string
let root: string
let store: ObjectStore
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'datashard-faults-'))
})
beforeEach(async () => {
  root = await mkdtemp(join(base, 'root-'))
  store = localStore(root)
})
afterEach(() => {
  fs.failing.clear()
  fs.calls.length = 0
})
afterAll(() => rm(base, { recursive: true, force: true }))

async function failureOf(run: Promise<unknown>): Promise<DataShardError> {
  const error = await run.then(
    (value) => new Error(`no failure, but ${JSON.stringify(value)}`),
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(DataShardError)
  return error as DataShardError
}

async function keysOf(of: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of of.list(prefix)) keys.push(key)
  return keys
}

/** Everything on the disk, temporary files included. */
function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true }).map(String).toSorted()
}

describe('a location that is a file', () => {
  const calls: readonly (readonly [string, (of: ObjectStore) => Promise<unknown>])[] = [
    ['get', (of) => of.get('k')],
    ['head', (of) => of.head('k')],
    ['put', (of) => of.put('k', BYTES)],
    ['create', (of) => of.put('metadata/v1', BYTES, { mode: 'create' })],
    ['list', (of) => keysOf(of)],
    ['delete', (of) => of.delete(['k'])],
  ]
  test.each(calls)('%s: invalid-argument, and the file stays as it is', async (_name, call) => {
    const path = join(root, 'file')
    await writeFile(path, 'precious')
    const error = await failureOf(call(localStore(path)))
    expect(error).toMatchObject({ code: 'invalid-argument', details: { path } })
    expect(error.message).toContain('is a file, expected a directory')
    expect(await readFile(path, 'utf8')).toBe('precious')
  })
})

describe('a name that is taken by the other kind', () => {
  test.each(MODES)('an object under an object cannot be (%j)', async (mode) => {
    await store.put('a', BYTES)
    const error = await failureOf(store.put('a/b', BYTES, { mode }))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toMatch(/a part of the path is a file.*choose another/)
    expect(await store.get('a/b')).toBeUndefined()
    expect(await store.head('a/b')).toBeUndefined()
    expect(await keysOf(store, 'a/b')).toEqual([])
    await store.delete(['a/b'])
    expect(filesIn(root)).toEqual(['a'])
  })

  test.each(['create', 'overwrite'] as const)('an object where a directory is cannot be (%s)', async (mode) => {
    await store.put('a/b', BYTES)
    const error = await failureOf(store.put('a', BYTES, { mode }))
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toMatch(/a directory has this name already/)
    expect(await store.get('a')).toBeUndefined()
    expect(await store.head('a')).toBeUndefined()
    await store.delete(['a'])
    expect(filesIn(root)).toEqual(['a', 'a/b'])
  })
})

/** What the disk answers, by call; every file system call of a put can fail. */
const FAILURES: readonly (readonly [errno: string, code: string, advice: RegExp])[] = [
  ['ENOSPC', 'unavailable', /the disk is full; nothing was written. Free some space/],
  ['EDQUOT', 'unavailable', /quota is used up/],
  ['EIO', 'unavailable', /input\/output error; check it/],
  ['EMFILE', 'unavailable', /too many open files; raise `ulimit -n`/],
  ['EROFS', 'denied', /the file system is read-only; choose another place/],
  ['EACCES', 'denied', /this user may not do that; check owner and permissions/],
  ['EPERM', 'denied', /this user may not do that/],
  ['ENAMETOOLONG', 'invalid-argument', /longer than the file system allows/],
  ['ENOSYS', 'unsupported', /does not implement this; choose another/],
  ['EWHATEVER', 'unavailable', /the operating system refused it/],
]

describe.each(FAILURES)('%s', (errno, code, advice) => {
  test.each(['open', 'write', 'datasync'] as const)('in %s: %s, no object, nothing left behind', async (call) => {
    await store.put('old', BYTES)
    for (const mode of MODES) {
      fs.failing.set(call, errno)
      const error = await failureOf(store.put('new', BYTES, { mode }))
      expect(error).toMatchObject({ code, committed: 'no', details: { errno, path: join(root, 'new') } })
      expect(error.message).toMatch(advice)
      fs.failing.clear()
      expect(filesIn(root)).toEqual(['old'])
    }
  })

  test('in naming the file: the same', async () => {
    fs.failing.set('link', errno)
    fs.failing.set('rename', errno)
    expect((await failureOf(store.put('new', BYTES, { mode: 'create' }))).code).toBe(code)
    expect((await failureOf(store.put('new', BYTES))).code).toBe(code)
    expect(filesIn(root)).toEqual([])
  })

  test('in reading and listing: an error, never an absence', async () => {
    await store.put('there', BYTES)
    for (const call of ['open', 'stat', 'readdir']) fs.failing.set(call, errno)
    expect((await failureOf(store.get('there'))).code).toBe(code)
    expect((await failureOf(store.head('there'))).code).toBe(code)
    expect((await failureOf(keysOf(store))).code).toBe(code)
    fs.failing.set('unlink', errno)
    expect((await failureOf(store.delete(['there']))).code).toBe(code)
  })

  test('in making a directory: the same', async () => {
    fs.failing.set('mkdir', errno)
    expect((await failureOf(store.put('some/where/new', BYTES, { mode: 'create' }))).code).toBe(code)
    expect(filesIn(root)).toEqual([])
  })
})

describe('flushing', () => {
  test('comes before the acknowledgement: file, name, directory, in this order', async () => {
    await store.put('warm', BYTES)
    fs.calls.length = 0
    await store.put('v1', BYTES, { mode: 'create' })
    const wanted = ['write', 'datasync', 'link', 'sync']
    expect(fs.calls.filter((call) => wanted.includes(call))).toEqual(wanted)
  })

  test('of every directory that was made on the way', async () => {
    await store.put('a/b/c/v1', BYTES, { mode: 'create' })
    // a, b, c and the file: each name is flushed in its own directory.
    expect(fs.calls.filter((call) => call === 'sync')).toHaveLength(4)
  })

  test('is shared by writes that wait for the same directory', async () => {
    await store.put('m/warm', BYTES)
    fs.calls.length = 0
    await Promise.all(Array.from({ length: 64 }, (_, i) => store.put(`m/${i}`, BYTES, { mode: 'create' })))
    expect(fs.calls.filter((call) => call === 'datasync')).toHaveLength(64)
    expect(fs.calls.filter((call) => call === 'sync').length).toBeLessThan(48)
  })

  test('is left out where it was said to be', async () => {
    await localStore(root, { durable: false }).put('a/v1', BYTES, { mode: 'create' })
    expect(fs.calls.filter((call) => call === 'sync' || call === 'datasync')).toEqual([])
  })

  test('that fails after a create leaves its outcome unknown, because the name is there and may not survive', async () => {
    fs.failing.set('sync', 'EIO')
    const result = await store.put('v1', BYTES, { mode: 'create' })
    expect(result).toMatchObject({ outcome: 'unknown' })
    expect((await failureOf(store.put('v1', BYTES))).code).toBe('unavailable')
    expect(await store.get('v1')).toEqual(BYTES)
    expect(filesIn(root)).toEqual(['v1'])
  })

  test('of directories is done without where the file system has none', async () => {
    fs.failing.set('sync', 'EINVAL')
    expect((await store.put('v1', BYTES, { mode: 'create' })).outcome).toBe('written')
  })
})

describe('a link whose answer was lost', () => {
  test('is recognised by the inode: a network file system repeats it, and meets its own', async () => {
    const { link } = await vi.importActual<typeof FsPromises>('node:fs/promises')
    const { readdir } = await vi.importActual<typeof FsPromises>('node:fs/promises')
    // The first link happens right before the store's own, as if the server had done it and lost the answer.
    fs.failing.clear()
    const chunks = (async function* () {
      yield BYTES
      const [temporary] = (await readdir(root)).filter((name) => name.startsWith('.datashard-tmp-'))
      await link(join(root, temporary!), join(root, 'v1'))
    })()
    expect((await store.put('v1', chunks, { mode: 'create' })).outcome).toBe('written')
    expect(filesIn(root)).toEqual(['v1'])
  })
})

describe('what a crash leaves', () => {
  test('a temporary file is no object, disturbs nothing, and is no key', async () => {
    await mkdir(join(root, 'data'))
    const leftover = '.datashard-tmp-0b0b0b0b-0b0b-4b0b-8b0b-0b0b0b0b0b0b'
    await writeFile(join(root, 'data', leftover), 'half')
    await store.put('data/x', BYTES, { mode: 'create' })
    expect(await keysOf(store)).toEqual(['data/x'])
    expect(await keysOf(store, 'data/.datashard')).toEqual([])
    for (const call of [
      () => store.get(`data/${leftover}`),
      () => store.put(`data/${leftover}`, BYTES),
      () => store.delete([`data/${leftover}`]),
    ]) {
      expect((await failureOf(call())).code).toBe('invalid-argument')
    }
    expect(filesIn(root)).toEqual(['data', `data/${leftover}`, 'data/x'])
  })
})

describe('keys that would leave the directory', () => {
  test.each(['..', '../x', 'a/../../x', 'a/..', './x', '/etc/passwd', 'a//b', '', 'a/', 'a\0b', '\ud800'])(
    '%j is refused by every call',
    async (key) => {
      const calls = [
        () => store.get(key),
        () => store.head(key),
        () => store.put(key, BYTES),
        () => store.delete([key]),
      ]
      for (const call of calls) expect((await failureOf(call())).code).toBe('invalid-argument')
      expect(filesIn(root)).toEqual([])
    },
  )

  test.each(['../', 'a/../', '//', '/', 'a\0'])('the prefix %j is refused', async (prefix) => {
    expect((await failureOf(keysOf(store, prefix))).code).toBe('invalid-argument')
  })
})

describe('symbolic links', () => {
  test('a directory may be reached through one', async () => {
    symlinkSync(root, `${root}-link`)
    const linked = localStore(`${root}-link`)
    await linked.put('a/b', BYTES, { mode: 'create' })
    expect(await keysOf(linked)).toEqual(['a/b'])
    expect(await store.get('a/b')).toEqual(BYTES)
  })

  test('to files are objects; to nothing, to directories and in circles they are not listed', async () => {
    await store.put('real', BYTES)
    mkdirSync(join(root, 'folder'))
    symlinkSync(join(root, 'real'), join(root, 'folder', 'linked'))
    symlinkSync(join(root, 'nowhere'), join(root, 'dangling'))
    symlinkSync(root, join(root, 'folder', 'up'))
    symlinkSync('circle', join(root, 'circle'))
    expect(await keysOf(store)).toEqual(['folder/linked', 'real'])
    expect(await store.get('folder/linked')).toEqual(BYTES)
    expect(await store.get('dangling')).toBeUndefined()
    expect((await failureOf(store.get('circle'))).message).toMatch(/lead in a circle/)
  })

  test('are replaced by an overwrite, not written through', async () => {
    await writeFile(join(base, 'outside'), 'precious')
    symlinkSync(join(base, 'outside'), join(root, 'k'))
    await store.put('k', BYTES)
    expect(await readFile(join(base, 'outside'), 'utf8')).toBe('precious')
    expect(await store.get('k')).toEqual(BYTES)
    expect((await store.put('k', BYTES, { mode: 'create' })).outcome).toBe('precondition-failed')
  })
})

describe('a body that ends early', () => {
  test.each(MODES.slice(0, 2))('because its signal fires: aborted, nothing left behind (%s)', async (mode) => {
    const controller = new AbortController()
    const body = (async function* () {
      yield BYTES
      controller.abort()
      yield BYTES
    })()
    const error = await failureOf(store.put('a/new', body, { mode, signal: controller.signal }))
    expect(error).toMatchObject({ code: 'aborted', committed: 'no' })
    expect(filesIn(root)).toEqual(['a'])
  })

  test('because the source hangs: the signal still ends it', async () => {
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }
    const error = await failureOf(store.put('new', never, { signal: AbortSignal.timeout(50) }))
    expect(error.code).toBe('aborted')
    expect(filesIn(root)).toEqual([])
  })

  test('because the source fails: its own error', async () => {
    const body = (async function* () {
      yield BYTES
      throw new RangeError('the source broke')
    })()
    await expect(store.put('new', body, { mode: 'create' })).rejects.toThrow(new RangeError('the source broke'))
    expect(filesIn(root)).toEqual([])
  })
})

/** Runs as somebody who is not above permissions. */
async function unprivileged<T>(run: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return run()
  await chmod(base, 0o755)
  process.seteuid?.(65_534)
  try {
    return await run()
  } finally {
    process.seteuid?.(0)
  }
}

describe('rights', () => {
  test('in a directory that is read-only, reading works and writing is denied', async () => {
    await store.put('a', BYTES)
    await chmod(root, 0o555)
    await unprivileged(async () => {
      const error = await failureOf(store.put('new', BYTES, { mode: 'create' }))
      expect(error).toMatchObject({ code: 'denied', details: { errno: 'EACCES' } })
      expect(error.message).toContain(join(root, 'new'))
      expect((await failureOf(store.delete(['a']))).code).toBe('denied')
      expect(await store.get('a')).toEqual(BYTES)
      expect(await keysOf(store)).toEqual(['a'])
    })
    await chmod(root, 0o755)
    expect(filesIn(root)).toEqual(['a'])
  })

  test('in a directory that is closed, nothing is called missing', async () => {
    await store.put('a/b', BYTES)
    await chmod(join(root, 'a'), 0o000)
    await unprivileged(async () => {
      expect((await failureOf(store.get('a/b'))).code).toBe('denied')
      expect((await failureOf(store.head('a/b'))).code).toBe('denied')
      expect((await failureOf(keysOf(store))).code).toBe('denied')
    })
    await chmod(join(root, 'a'), 0o755)
  })
})

describe('a small disk', () => {
  /** A file system of 64 KiB, where this machine lets us mount one; else a directory whose writes fail from then on. */
  function mountSmall(path: string): { readonly unmount: () => void; readonly fill: () => void } {
    mkdirSync(path)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { stdio: 'ignore' })
      return { unmount: () => void execFileSync('umount', [path]), fill: () => undefined }
    } catch {
      return { unmount: () => fs.failing.clear(), fill: () => void fs.failing.set('write', 'ENOSPC') }
    }
  }

  test('that is full: an error that says so, no object, no temporary file, and it recovers', async () => {
    const path = join(root, 'small')
    const disk = mountSmall(path)
    try {
      const small = localStore(path)
      await small.put('metadata/v1', BYTES, { mode: 'create' })
      disk.fill()
      for (const mode of ['create', 'overwrite'] as const) {
        const error = await failureOf(small.put('data/large', new Uint8Array(300_000), { mode }))
        expect(error).toMatchObject({ code: 'unavailable', retryable: true, committed: 'no' })
        expect(error.message).toMatch(/failed with ENOSPC: the disk is full; nothing was written/)
      }
      expect(filesIn(path)).toEqual(['data', 'metadata', 'metadata/v1'])
      fs.failing.clear()
      expect((await small.put('data/small', BYTES, { mode: 'create' })).outcome).toBe('written')
      expect(await keysOf(small)).toEqual(['data/small', 'metadata/v1'])
    } finally {
      disk.unmount()
    }
  })
})

test('the clock of the disk is learnt from what is written to it', async () => {
  const ahead = localStore(root, { runtime: { ...systemRuntime, now: () => Date.now() + 3_600_000 } })
  expect(ahead.clockOffsetMs()).toBe(0)
  await ahead.put('k', BYTES)
  expect(Math.abs(ahead.clockOffsetMs() + 3_600_000)).toBeLessThan(1_000)
  const right = localStore(root)
  await right.put('k', BYTES)
  expect(right.clockOffsetMs()).toBe(0)
})

test('a thousand calls at once stay within the limit of open files', async () => {
  const keys = Array.from({ length: 1_000 }, (_, i) => `many/${i}`)
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, readdirSync('/dev/fd').length)
  }, 1)
  await Promise.all(keys.map((key) => store.put(key, BYTES, { mode: 'create' })))
  await Promise.all(keys.map((key) => store.get(key)))
  clearInterval(watch)
  expect(await keysOf(store)).toHaveLength(1_000)
  expect(most).toBeLessThan(400)
  expect(statSync(join(root, 'many/0')).nlink).toBe(1)
})
