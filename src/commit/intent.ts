/**
 * Names of intents: an append that waits to be folded is one object in the inbox, `data/in/`, and its key says everything
 * about it, so that a folder has only to list. No other file knows these names.
 *
 *     data/in/{blk}/{base}-{id}-{uuid8}-{descriptor}.parquet      one data file
 *     data/in/{blk}/{base}-{id}-{uuid8}-{descriptor}.avro         a manifest of any number of data files
 *
 * `base` is the version that the publisher had seen and `blk` that divided by 16, in hexadecimal of fixed width, so that
 * a listing can start at what is still open. `uuid8` belongs to the table: what was meant for a dropped one is not
 * folded into its successor. The name is cut into segments of at most 255 bytes, which is what file systems allow.
 */
import type { IntentName } from './window.ts'
import { WINDOW } from './ledger.ts'

/** Under the table; `data/`, because folded data files stay where they are. */
export const INBOX = 'data/in/'
/** A writer that others starve asks for room here; sorts behind every intent, so that their LIST shows it. */
export const HOLDS = 'data/in/hold/'

/** 2^40 versions: a thousand a second for 30 years. */
const BASE_DIGITS = 10
const MAX_SEGMENT_CHARS = 255
/** S3's limit for a whole key, less what a table's prefix and encoding may take. */
const MAX_NAME_BYTES = 700

export type IntentKind = 'file' | 'manifest'

export interface Intent extends IntentName {
  readonly kind: IntentKind
  /** First eight hexadecimal digits of the table's uuid. */
  readonly uuid8: string
  readonly descriptor: Uint8Array
}

const EXTENSIONS: Readonly<Record<IntentKind, string>> = { file: '.parquet', manifest: '.avro' }

export function uuid8(tableUuid: string): string {
  return tableUuid.toLowerCase().replaceAll('-', '').slice(0, 8)
}

/** Where the intents of a base begin; also the start of a listing. */
export function inboxStart(base: number): string {
  return `${INBOX}${blockOf(base)}/${hex(base)}`
}

/** The name of an intent under the table; undefined if it would be too long for a key. */
export function intentName(intent: Intent): string | undefined {
  const descriptor = Buffer.from(intent.descriptor).toString('base64url')
  const name = `${hex(intent.base)}-${intent.id}-${intent.uuid8}-${descriptor}${EXTENSIONS[intent.kind]}`
  if (name.length > MAX_NAME_BYTES) return undefined
  const segments = name.match(new RegExp(`.{1,${MAX_SEGMENT_CHARS}}`, 'g'))!
  return `${INBOX}${blockOf(intent.base)}/${segments.join('/')}`
}

/** The intent that a name under the table stands for; undefined if it is none, whoever put it there. */
export function parseIntentName(name: string): Intent | undefined {
  if (!name.startsWith(INBOX) || name.length > MAX_NAME_BYTES + 64) return undefined
  const [block, ...segments] = name.slice(INBOX.length).split('/')
  const match = /^([0-9a-f]{10})-([0-9a-v]{16})-([0-9a-f]{8})-([A-Za-z0-9_-]+)\.(parquet|avro)$/.exec(segments.join(''))
  if (!match || segments.slice(0, -1).some((segment) => segment.length !== MAX_SEGMENT_CHARS)) return undefined
  const base = Number.parseInt(match[1]!, 16)
  if (block !== blockOf(base)) return undefined
  const kind = match[5] === 'parquet' ? 'file' : 'manifest'
  return {
    kind,
    base,
    id: match[2]!,
    uuid8: match[3]!,
    descriptor: new Uint8Array(Buffer.from(match[4]!, 'base64url')),
  }
}

/** The id in the name of an intent, if it is one, without a look at the rest: most of what a folder lists was folded long since. */
export function idInName(name: string): string | undefined {
  return LEADING.exec(name)?.[1]
}

const LEADING = /^data\/in\/[0-9a-f]{9}\/[0-9a-f]{10}-([0-9a-v]{16})-/

function blockOf(base: number): string {
  return Math.floor(base / WINDOW)
    .toString(16)
    .padStart(BASE_DIGITS - 1, '0')
}

function hex(base: number): string {
  return base.toString(16).padStart(BASE_DIGITS, '0')
}
