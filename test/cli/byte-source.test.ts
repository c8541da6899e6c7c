import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSource } from '../../src/cli/input/byte-source.ts'
import { fileSink } from '../../src/cli/output/file-sink.ts'
import { streamSink } from '../../src/cli/output/sink.ts'
import { systemRuntime } from '../../src/runtime.ts'

let directory: string
const at = (name: string) => join(directory, name)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bytes-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function read(path: string, stdin: Readable = Readable.from([]), signal = new AbortController().signal) {
  const source = await openSource(path, { stdin, signal })
  const chunks: Uint8Array[] = []
  for await (const chunk of source.chunks) chunks.push(chunk)
  return { source, text: Buffer.concat(chunks).toString() }
}

describe('input bytes', () => {
  test('files and stdin, packed or not, from the first byte to the last', async () => {
    const text = 'hello\n'.repeat(100_000)
    await writeFile(at('plain'), text)
    await writeFile(at('packed'), gzipSync(text))
    const plain = await read(at('plain'))
    expect(plain.text).toBe(text)
    expect(plain.source.path).toBe(at('plain'))
    const packed = await read(at('packed'))
    expect(packed.text).toBe(text)
    expect(packed.source.path).toBeUndefined()
    const pieces = Array.from(gzipSync(text), (byte) => Buffer.from([byte]))
    expect((await read('-', Readable.from(pieces))).text).toBe(text)
    expect((await read('-')).text).toBe('')
  })

  test('a slow input is not waited for beyond its first line', async () => {
    const stdin = new PassThrough()
    stdin.write('{}\n')
    const source = await openSource('-', { stdin, signal: new AbortController().signal })
    expect(new TextDecoder().decode(source.head)).toBe('{}\n')
    await source.close()
    expect(stdin.destroyed).toBe(true)
  })

  test('gzip that is cut off or damaged is called that', async () => {
    const packed = gzipSync('hello\n'.repeat(10_000))
    await writeFile(at('cut.gz'), packed.subarray(0, packed.length - 20))
    await expect(read(at('cut.gz'))).rejects.toThrow(/cut.gz begins like gzip but cannot be unpacked/)
    packed.fill(0xff, 20, 30)
    await writeFile(at('damaged.gz'), packed)
    await expect(read(at('damaged.gz'))).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('an interrupt ends the wait for input', async () => {
    const interrupted = new AbortController()
    for (const head of [Buffer.from('{}\n'), gzipSync('x'.repeat(100)).subarray(0, 15)]) {
      const stdin = new PassThrough()
      stdin.write(head)
      const reading = read('-', stdin, interrupted.signal)
      setTimeout(() => interrupted.abort(new Error('now')), 20)
      await expect(reading).rejects.toMatchObject({ code: 'aborted' })
    }
  })
})

describe('output', () => {
  test('a slow reader is waited for, and a reader that is gone ends it', async () => {
    const taken: string[] = []
    const slow = new Writable({
      highWaterMark: 10,
      write(chunk: Buffer, _encoding, done) {
        taken.push(chunk.toString())
        setTimeout(done, 5)
      },
    })
    const sink = streamSink(slow)
    const pending = sink.write('x'.repeat(100_000))
    expect(pending).toBeInstanceOf(Promise)
    await pending
    await sink.write(new Uint8Array([65]))
    await sink.end()
    expect(taken.join('')).toBe(`${'x'.repeat(100_000)}A`)
    expect(sink.bytes).toBe(100_001)

    const gone = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('x'), { code: 'EPIPE' })),
    })
    const closed = streamSink(gone)
    await closed.write('x'.repeat(100_000))
    expect(closed.closed).toBe(true)
    expect(closed.write('more'.repeat(100_000))).toBeUndefined()
    await closed.end()
  })

  test('any other failure of the stream is thrown', async () => {
    const full = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('x'), { code: 'ENOSPC' })),
    })
    const sink = streamSink(full)
    await sink.write('x'.repeat(100_000))
    expect(() => sink.write('x'.repeat(100_000))).toThrow('x')
  })

  test('a file appears when it is whole; a device is written directly; a directory is refused', async () => {
    const sink = await fileSink(at('out'), systemRuntime)
    await sink.write('hello')
    await expect(readFile(at('out'))).rejects.toThrow(/ENOENT/)
    await sink.end()
    expect(await readFile(at('out'), 'utf8')).toBe('hello')
    expect({ bytes: sink.bytes, closed: sink.closed }).toEqual({ bytes: 5, closed: false })
    const device = await fileSink('/dev/null', systemRuntime)
    await device.write('gone')
    await device.end()
    await expect(fileSink(directory, systemRuntime)).rejects.toThrow(/is a directory/)
    const nowhere = await fileSink(at('no/such/directory'), systemRuntime)
    await expect(
      (async () => {
        await nowhere.write('x')
        await nowhere.end()
      })(),
    ).rejects.toThrow(/ENOENT/)
  })
})
