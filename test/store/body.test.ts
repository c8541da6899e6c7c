/** What is no body is refused, and what the caller's stream throws reaches the caller, whichever the store. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { localStore } from '../../src/store/local.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore, PutBody } from '../../src/store/store.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { BUCKET, caught, keysOf, read, storeOn, text } from './s3-fixture.ts'

let server: S3Server
let directory: string
beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET] })
  directory = await mkdtemp(join(tmpdir(), 'datashard-body-'))
})
afterAll(async () => {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
})

const memory = memoryStore()

describe.each<readonly [name: string, open: () => ObjectStore]>([
  ['memory', () => memory],
  ['local directory', () => localStore(directory)],
  ['S3', () => storeOn(server)],
])('%s', (_name, open) => {
  test.each<readonly [unknown, string]>([
    ['text', 'string'],
    [5, 'number'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[1, 2], 'an array'],
    [{}, 'object'],
    [new ArrayBuffer(4), 'object'],
  ])('%j is no body', async (body, found) => {
    const error = await caught(open().put('k', body as PutBody))
    expect(error).toMatchObject({ code: 'invalid-argument' })
    expect((error as Error).message).toContain(`found ${found} as a body, expected Uint8Array or a stream of them`)
    expect(await keysOf(open(), '')).toEqual([])
  })

  test('a stream of something else is refused, and its source is closed', async () => {
    let closed = false
    const body = (async function* () {
      try {
        yield text('bytes')
        yield 'text'
      } finally {
        closed = true
      }
    })()
    const error = await caught(open().put('k', body as unknown as PutBody, { mode: 'create' }))
    expect(error).toMatchObject({ code: 'invalid-argument' })
    expect((error as Error).message).toContain('found string as a body')
    await expect.poll(() => closed).toBe(true)
    expect(await keysOf(open(), '')).toEqual([])
  })

  test('an iterator made by hand may throw at once, or answer without a promise', async () => {
    const throwing = { [Symbol.asyncIterator]: () => ({ next: () => raise(new RangeError('at once')) }) }
    expect(await caught(open().put('k', throwing as unknown as PutBody))).toEqual(new RangeError('at once'))
    const chunks = [text('by '), new Uint8Array(), text('hand')]
    const next = () => {
      const value = chunks.shift()
      return value ? { done: false, value } : { done: true, value: undefined }
    }
    const synchronous = { [Symbol.asyncIterator]: () => ({ next }) } as unknown as PutBody
    await open().put('by-hand', synchronous)
    expect(read(await open().get('by-hand'))).toBe('by hand')
    await open().delete(['by-hand'])
  })

  test('a stream is read while its signal lasts, and left in peace afterwards', async () => {
    const { signal } = new AbortController()
    const body = (async function* () {
      yield text('some ')
      yield text('bytes')
    })()
    expect((await open().put('signalled', body, { signal, mode: 'create' })).outcome).toBe('written')
    expect(read(await open().get('signalled'))).toBe('some bytes')
    await open().delete(['signalled'])
  })
})

function raise(error: Error): never {
  throw error
}
