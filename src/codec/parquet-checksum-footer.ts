/**
 * A checksum of the footer, which the format has none for: an entry of its own among the footer's key-value metadata.
 * Other readers take no notice of it.
 */
import { crc32 } from 'node:zlib'

/** The key under which the checksum of a footer stands among its key-value metadata. */
export const FOOTER_CHECKSUM_KEY = 'datashard.footer-crc32'
/** What stands there before it is known: as long as it will be. */
export const FOOTER_CHECKSUM_BLANK = '00000000'

/**
 * Writes the checksum of a footer into it. The footer must have the entry {@link FOOTER_CHECKSUM_KEY} with the value
 * {@link FOOTER_CHECKSUM_BLANK}; with that value the checksum is computed.
 */
export function sealFooter(footer: Uint8Array): void {
  const at = checksumPlace(footer)
  if (at === undefined) throw new Error(`the footer has no entry ${FOOTER_CHECKSUM_KEY}`)
  footer.set(new TextEncoder().encode(hex(crc32(footer))), at)
}

/** Whether a footer is as it was sealed; true as well for one that never was. */
export function isFooterIntact(footer: Uint8Array): boolean {
  const at = checksumPlace(footer)
  if (at === undefined) return true
  const end = at + FOOTER_CHECKSUM_BLANK.length
  const blank = new TextEncoder().encode(FOOTER_CHECKSUM_BLANK)
  const before = crc32(footer.subarray(0, at))
  const found = hex(crc32(footer.subarray(end), crc32(blank, before)))
  return found === new TextDecoder('latin1').decode(footer.subarray(at, end))
}

/** Key and value follow each other: the key's bytes, the head of the value's field, its length, the value. */
function checksumPlace(footer: Uint8Array): number | undefined {
  const bytes = Buffer.from(footer.buffer, footer.byteOffset, footer.byteLength)
  const key = bytes.lastIndexOf(FOOTER_CHECKSUM_KEY, undefined, 'latin1')
  if (key < 0) return undefined
  const at = key + FOOTER_CHECKSUM_KEY.length + 2
  return at + FOOTER_CHECKSUM_BLANK.length <= footer.length ? at : undefined
}

function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0')
}
