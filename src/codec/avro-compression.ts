/** The codecs of Avro files (Avro 1.11 specification, "Required Codecs" and "Optional Codecs"). */
import * as zlib from 'node:zlib'
import { corrupt, unsupported } from '../errors.ts'
import { snappyUncompress } from './snappy.ts'

/** One block never holds more: writers cut blocks at kilobytes to megabytes, and deflate can expand 1,000 times. */
const MAX_BLOCK_BYTES = 256 * 1024 * 1024

/** Deflate level: 1 is three times as fast as the default and 10 % larger on manifests. */
const DEFLATE_LEVEL = 1

/** Codecs that exist, and that DataShard has no code for. */
const KNOWN_ELSEWHERE: ReadonlySet<string> = new Set(['bzip2', 'xz', 'zstandard'])

type Zstd = (data: Uint8Array, options: { maxOutputLength: number }) => Uint8Array
/** Node has it from 22.15 on. */
const zstdDecompress = (zlib as { zstdDecompressSync?: Zstd }).zstdDecompressSync

export type Decompress = (data: Uint8Array) => Uint8Array

/** @throws `unsupported` for codecs without code, `corrupt` for names that are no codec. */
export function decompressor(codec: string, where: string): Decompress {
  // A copy in any case: values that are bytes are views of the block, and the file is the caller's.
  if (codec === 'null') return (data) => data.slice()
  if (codec === 'deflate') return guarded(where, codec, (data, limits) => zlib.inflateRawSync(data, limits))
  if (codec === 'snappy') return guarded(where, codec, uncompressSnappy)
  if (codec === 'zstandard' && zstdDecompress !== undefined) return guarded(where, codec, zstdDecompress)
  if (KNOWN_ELSEWHERE.has(codec)) {
    const hint = codec === 'zstandard' ? 'Node 22.15 or later can read it' : 'write it with deflate'
    unsupported(`${where} is compressed with ${codec}; ${hint}`)
  }
  corrupt(`${where} is damaged: ${JSON.stringify(codec)} is no Avro codec`)
}

function guarded(where: string, codec: string, decompress: Zstd): Decompress {
  return (data) => {
    try {
      const plain = decompress(data, { maxOutputLength: MAX_BLOCK_BYTES })
      return new Uint8Array(plain.buffer, plain.byteOffset, plain.length)
    } catch (error) {
      return corrupt(`${where} is damaged: a block cannot be decompressed (${codec})`, undefined, error)
    }
  }
}

/** Avro appends the CRC-32 of the plain bytes, big-endian. */
function uncompressSnappy(data: Uint8Array): Uint8Array {
  const body = data.subarray(0, Math.max(0, data.length - 4))
  const plain = snappyUncompress(body)
  const checksum = data.subarray(body.length).reduce((sum, byte) => sum * 256 + byte, 0)
  if (plain === undefined || zlib.crc32(plain) !== checksum) throw new Error('not a Snappy block')
  return plain
}

export function deflate(data: Uint8Array): Uint8Array {
  return zlib.deflateRawSync(data, { level: DEFLATE_LEVEL })
}
