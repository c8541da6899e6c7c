/**
 * Snappy decompression ("Snappy compressed format description"): only needed to read Avro files of writers that were
 * told to use it, synchronously and without loading a Parquet library.
 */

/** Three bytes at best make 64, so the length a block claims can be checked before memory is taken. */
const MAX_EXPANSION = 32

/** Returns undefined if the bytes are not a Snappy block. */
export function snappyUncompress(input: Uint8Array): Uint8Array | undefined {
  let at = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = input[at++]
    if (byte === undefined || shift > 28) return undefined
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (length > input.length * MAX_EXPANSION) return undefined
  const output = new Uint8Array(length)
  let out = 0
  while (at < input.length) {
    const tag = input[at++]!
    const kind = tag & 3
    let size = (tag >>> 2) + 1
    if (kind === 0) {
      // A literal; lengths above 60 stand in the next one to four bytes.
      if (size > 60) {
        const width = size - 60
        size = littleEndian(input, at, width) + 1
        at += width
      }
      if (!(size <= input.length - at && size <= length - out)) return undefined
      output.set(input.subarray(at, at + size), out)
      at += size
    } else {
      let offset: number
      if (kind === 1) {
        size = ((tag >>> 2) & 7) + 4
        offset = ((tag >>> 5) << 8) | (input[at] ?? 0)
        at += 1
      } else {
        offset = littleEndian(input, at, kind === 2 ? 2 : 4)
        at += kind === 2 ? 2 : 4
      }
      if (at > input.length || offset === 0 || offset > out || size > length - out) return undefined
      // Byte by byte: a copy may overlap what it writes.
      for (let i = 0; i < size; i++) output[out + i] = output[out + i - offset]!
    }
    out += size
  }
  return out === length ? output : undefined
}

function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let i = 0; i < width; i++) value += (bytes[at + i] ?? 0) * 2 ** (8 * i)
  return value
}
