/**
 * The folder of a partition, spelled as Iceberg's reference implementation spells it, so that people find their way
 * around. No reader takes values from it: they are in the manifests.
 */
import { decimalToText, doubleToText, floatToText } from './java-text.ts'
import { murmur3_32 } from './hash.ts'
import type { PartitionField, PartitionSpec, PartitionTuple } from './partition.ts'
import { indexSchema } from './schema.ts'
import { civilFromDays } from './calendar.ts'
import { formatDate, formatTime, formatTimestamp, formatTimestampNs } from './temporal.ts'
import { transformResultType } from './transforms.ts'
import type { Schema, Type, Value } from './types.ts'

/** File systems and MinIO take 255 bytes between slashes; a longer folder name ends in a hash of the whole. */
const MAX_SEGMENT_BYTES = 240

/** `at_day=2026-01-01/kind=a%2Fb`; empty for an unpartitioned spec. `tuple` is in the order of the spec's fields. */
export function partitionPath(spec: PartitionSpec, schema: Schema, tuple: PartitionTuple): string {
  return spec.fields.map((field, i) => segment(field, schema, tuple[i] ?? null)).join('/')
}

function segment(field: PartitionField, schema: Schema, value: Value | null): string {
  const text = `${urlEncode(field.name)}=${urlEncode(value === null ? 'null' : humanText(field, schema, value))}`
  // Encoded text is ASCII: a character is a byte.
  if (text.length <= MAX_SEGMENT_BYTES) return text
  const hash = (murmur3_32(utf8.encode(text)) >>> 0).toString(16).padStart(8, '0')
  return `${text.slice(0, MAX_SEGMENT_BYTES - 9).replace(/%[0-9A-F]?$/, '')}-${hash}`
}

/** A value of a partition field as people read it: `2026-01-31` for a day. */
export function humanText(field: PartitionField, schema: Schema, value: Value): string {
  switch (field.transform.transform) {
    case 'year':
      return pad4(1970 + (value as number))
    case 'month':
      return `${pad4(1970 + Math.floor((value as number) / 12))}-${pad2(1 + ((((value as number) % 12) + 12) % 12))}`
    case 'day':
      return dayText(value as number)
    case 'hour': {
      const days = Math.floor((value as number) / 24)
      return `${dayText(days)}-${pad2((value as number) - days * 24)}`
    }
    default: {
      const source = indexSchema(schema).byId.get(field.sourceId)?.field.type
      return source === undefined ? plainText(value) : valueText(transformResultType(field.transform, source), value)
    }
  }
}

/** Of a field whose source column is gone: its type is not known any more. */
function plainText(value: Value): string {
  return value instanceof Uint8Array ? base64(value) : String(value)
}

function valueText(type: Type, value: Value): string {
  switch (type.type) {
    case 'date':
      return dayText(value as number)
    case 'time':
      return trimFraction(formatTime(value as bigint)).replace(/^(..:..):00$/, '$1')
    case 'timestamp':
    case 'timestamptz':
      return momentText(formatTimestamp(value as bigint, false), type.type === 'timestamptz')
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return momentText(formatTimestampNs(value as bigint, false), type.type === 'timestamptz_ns')
    case 'float':
      return floatToText(value as number)
    case 'double':
      return doubleToText(value as number)
    case 'decimal':
      return decimalToText(value as bigint, type.scale)
    default:
      return plainText(value)
  }
}

/** Java prints a time's fraction in groups of three digits. */
function trimFraction(text: string): string {
  return text.replace(/(\.\d{3})(?:000)+$/, '$1')
}

function momentText(text: string, zoned: boolean): string {
  const trimmed = text.includes('.') ? text.replace(/0+$/, '') : text
  return zoned ? `${trimmed}+00:00` : trimmed
}

const pad2 = (value: number): string => String(value).padStart(2, '0')

/** Java's `%04d`. */
function pad4(value: number): string {
  return value < 0 ? `-${String(-value).padStart(3, '0')}` : String(value).padStart(4, '0')
}

function dayText(days: number): string {
  const { year, month, day } = civilFromDays(days)
  return year >= 0 && year <= 9999 ? formatDate(days) : `${pad4(year)}-${pad2(month)}-${pad2(day)}`
}

const utf8 = new TextEncoder()
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += BASE64[group >> 18]! + BASE64[(group >> 12) & 63]!
    text += i + 1 < bytes.length ? BASE64[(group >> 6) & 63]! : '='
    text += i + 2 < bytes.length ? BASE64[group & 63]! : '='
  }
  return text
}

const UNRESERVED = /[A-Za-z0-9.*_-]/

/** `java.net.URLEncoder`: letters, digits and `.-*_` stay, a blank is `+`, the rest is `%XX` of its UTF-8 bytes. */
export function urlEncode(text: string): string {
  let encoded = ''
  for (const byte of utf8.encode(text)) {
    const char = String.fromCharCode(byte)
    if (byte < 0x80 && UNRESERVED.test(char)) encoded += char
    else encoded += byte === 0x20 ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
