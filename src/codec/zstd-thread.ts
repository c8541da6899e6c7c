/**
 * ZSTD in a thread beside the decoder: a reader of many row groups has the next one decompressed while it decodes
 * (docs/decisions/codec-side-thread.md).
 */
import { pathToFileURL } from 'node:url'
import type { Hole } from './parquet-reader-excerpt.ts'
import { joinBytes } from './join-bytes.ts'
import { resolvePackage } from './resolve-package.ts'
import { LazyThread, SideThread } from './side-thread.ts'
import { hasNativeZstd } from './zstd.ts'

/** Writes what it has decompressed into memory that both threads see. */
const PROGRAM = `
const { zstdDecompressSync } = require('node:zlib')
let decompress = (bytes, size) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, size) })
if (data !== undefined) {
  const { ZSTDDecoder } = await import(data)
  const decoder = new ZSTDDecoder()
  await decoder.init()
  decompress = (bytes, size) => (size === 0 ? new Uint8Array() : decoder.decode(bytes, size))
}
return ({ output, input, holes }) => {
  let start = 0
  for (const { length, size, at } of holes) {
    const page = decompress(input.subarray(start, start + length), size)
    if (page.length !== size) throw new Error('damaged')
    output.set(page, at)
    start += length
  }
  return { result: true }
}
`

const thread = new LazyThread(() => SideThread.start(PROGRAM, () => (hasNativeZstd() ? undefined : packagedZstd())))

/** Starts what decompresses beside this thread, unless it is there. */
export function startZstdThread(): void {
  thread.start()
}

/** Whether frames can be decompressed beside this thread now. */
export function hasZstdThread(): boolean {
  return thread.isReady
}

/**
 * Puts decompressed bytes into their places in `output`, beside this thread.
 *
 * @param output In memory that threads share.
 * @returns false if that cannot be done, or a frame is damaged: the caller then does it itself, and learns what is wrong.
 */
export async function fillBeside(output: Uint8Array<SharedArrayBuffer>, holes: readonly Hole[]): Promise<boolean> {
  const input = joinBytes(holes.map(({ bytes }) => bytes))
  const places = holes.map(({ bytes, size, at }) => ({ length: bytes.length, size, at }))
  return (await thread.run({ output, input, holes: places }, [input.buffer])) === true
}

function packagedZstd(): string {
  return pathToFileURL(resolvePackage('zstddec', import.meta.url)).href
}
