/** Which format an input is in: by what the user says, by its name, else by its first bytes. */
import { invalid } from '../errors.ts'

export const INPUT_FORMATS = ['ndjson', 'json', 'csv', 'tsv', 'parquet', 'arrow'] as const

export type InputFormat = (typeof INPUT_FORMATS)[number]

/** An input by its name and its first bytes, unpacked. */
export interface NamedHead {
  readonly name: string
  readonly head: Uint8Array
}

const BY_EXTENSION: Readonly<Record<string, InputFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
  csv: 'csv',
  tsv: 'tsv',
  parquet: 'parquet',
  arrow: 'arrow',
  arrows: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
}

/** The format that a file name promises, compression aside (`events.csv.gz` is CSV). */
export function formatOfName(name: string): InputFormat | undefined {
  const extension = /\.([a-z0-9]+)$/.exec(name.toLowerCase().replace(/\.gz(ip)?$/, ''))?.[1]
  return extension === undefined ? undefined : BY_EXTENSION[extension]
}

/**
 * The format of an open input.
 *
 * @param isDelimited whether the user says what is between fields, as only CSV has it: text without a name is CSV then
 * @throws DataShardError `invalid-argument` when nothing tells.
 */
export function formatOf(source: NamedHead, given: InputFormat | undefined, isDelimited = false): InputFormat {
  const binary = binaryFormat(source.head)
  if (given !== undefined) {
    if (binary !== undefined && binary !== given) {
      invalid(`${source.name} is a ${binary} file, not ${given}; leave --format out or correct it`)
    }
    return given
  }
  const found = binary ?? formatOfName(source.name) ?? textFormat(source.head, isDelimited)
  if (found === undefined) {
    invalid(`cannot tell the format of ${source.name}; say --format ${INPUT_FORMATS.join('|')}`)
  }
  return found
}

/** Parquet and Arrow files begin with their names; an Arrow stream with the marker of its first message. */
function binaryFormat(head: Uint8Array): InputFormat | undefined {
  const ascii = (length: number) => String.fromCharCode(...head.subarray(0, length))
  if (ascii(4) === 'PAR1') return 'parquet'
  if (ascii(6) === 'ARROW1') return 'arrow'
  const isStream = head.length >= 8 && head.subarray(0, 4).every((byte) => byte === 0xff)
  return isStream ? 'arrow' : undefined
}

/** Blanks before the first bracket may be many, but not that many. */
const SNIFF_BYTES = 4096

function textFormat(head: Uint8Array, isDelimited: boolean): InputFormat | undefined {
  const text = new TextDecoder().decode(head.subarray(0, SNIFF_BYTES)).trimStart()
  if (text === '') return 'ndjson'
  if (isDelimited) return 'csv'
  return text.startsWith('{') || text.startsWith('[') ? 'json' : undefined
}
