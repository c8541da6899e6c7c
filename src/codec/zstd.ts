/** ZSTD at the speed of the machine, where it can be had. */
import zlib from 'node:zlib'

/** Compressed bytes, and how many they become. */
export interface Frame {
  readonly bytes: Uint8Array
  readonly size: number
}

/**
 * Decompresses one frame that holds exactly `size` bytes.
 *
 * @throws Error if it does not, or is damaged.
 */
export type Decompress = (bytes: Uint8Array, size: number) => Uint8Array

let loaded: Promise<Decompress | undefined> | undefined

/** Node's own (from 22.15 on), else that of the package `zstddec`; undefined if there is neither. Loaded once. */
export function loadZstd(): Promise<Decompress | undefined> {
  loaded ??= native() ?? packaged()
  return loaded
}

/** What newer versions of Node have, and the types of Node 20 lack. */
interface ZstdOfNode {
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array
}

/** Whether this version of Node has ZSTD. */
export function hasNativeZstd(): boolean {
  return (zlib as ZstdOfNode).zstdDecompressSync !== undefined
}

function native(): Promise<Decompress> | undefined {
  const { zstdDecompressSync } = zlib as ZstdOfNode
  if (zstdDecompressSync === undefined) return undefined
  return Promise.resolve((bytes, size) =>
    // An output limit of 0 is refused.
    checked(zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }), size),
  )
}

async function packaged(): Promise<Decompress | undefined> {
  try {
    const { ZSTDDecoder } = await import('zstddec')
    const decoder = new ZSTDDecoder()
    await decoder.init()
    return (bytes, size) => (size === 0 ? new Uint8Array() : checked(decoder.decode(bytes, size), size))
  } catch {
    return undefined
  }
}

/** zstddec reports damage by a result of another length. */
function checked(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length === size) return bytes
  throw new Error(`a compressed page holds ${bytes.length} bytes, its header says ${size}`)
}
