/**
 * The texts of snapshots, kept between versions. A version repeats hundreds of snapshots of the version before, and reading
 * and writing them anew costs more than all the rest of a commit. So the text of each snapshot is remembered with the
 * snapshot that it is: a version that holds the same text holds the same snapshot.
 */
import { corrupt, DataShardError } from '../errors.ts'
import { parseSnapshot, snapshotToJson } from '../spec/snapshot-json.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { JsonSyntaxError, parseJson, stringifyJson } from './lossless-json.ts'

/** Of all tables of a process: some tables with all their snapshots, of about 700 bytes each. */
const MAX_TEXTS = 4_096

const byText = new Map<string, Snapshot>()
const bySnapshot = new WeakMap<Snapshot, string>()

/** A snapshot of format v2 or later as compact JSON. */
export function snapshotText(snapshot: Snapshot): string {
  const known = bySnapshot.get(snapshot)
  if (known !== undefined) return known
  const text = stringifyJson(snapshotToJson(snapshot, 2))
  bySnapshot.set(snapshot, text)
  byText.set(text, snapshot)
  const oldest = byText.keys().next().value
  if (byText.size > MAX_TEXTS && oldest !== undefined) byText.delete(oldest)
  return text
}

/** The snapshot that is written so. @throws what parsing throws */
function snapshotOf(text: string): Snapshot {
  const known = byText.get(text)
  if (known) return known
  const snapshot = parseSnapshot(parseJson(text), { path: 'snapshot', fail: (message) => corrupt(message) })
  // Not the text itself: a piece of a document keeps all of it in memory.
  snapshotText(snapshot)
  return snapshot
}

/** A document without its snapshots, and those. */
export interface SplitDocument {
  readonly rest: string
  readonly snapshots: readonly Snapshot[]
}

/** Undefined where the text is not one of ours, or anything in it is odd: then it is to be parsed whole. */
export function splitDocument(text: string): SplitDocument | undefined {
  if (!text.startsWith(OURS)) return undefined
  const found = findSnapshotTexts(text)
  if (!found) return undefined
  try {
    const snapshots = found.texts.map(snapshotOf)
    return { rest: `${text.slice(0, found.start)}[]${text.slice(found.end)}`, snapshots }
  } catch (error) {
    // Damaged: who parses the whole document says where.
    if (error instanceof JsonSyntaxError || DataShardError.is(error)) return undefined
    throw error
  }
}

/** Where the list of snapshots is in compact JSON of ours, and its elements. */
interface SnapshotTexts {
  /** Of the `[`. */
  readonly start: number
  /** Behind the `]`. */
  readonly end: number
  readonly texts: readonly string[]
}

/** How a version of ours begins. */
const OURS = '{"datashard-commit":'
const LIST = ',"snapshots":['
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d
const COMMA = 0x2c
const CLOSE_LIST = 0x5d

/**
 * The snapshots in the text of a metadata file; undefined where it is not as we write it (then it is parsed whole). What is
 * found is only ever a hint where to cut: the pieces are parsed, or were.
 */
function findSnapshotTexts(text: string): SnapshotTexts | undefined {
  const at = text.indexOf(LIST)
  // A second one could be in a text or in somebody's own field.
  if (at < 0 || text.includes(LIST, at + 1)) return undefined
  const start = at + LIST.length - 1
  const texts: string[] = []
  for (let i = start + 1; i < text.length;) {
    const code = text.charCodeAt(i)
    if (code === CLOSE_LIST) return { start, end: i + 1, texts }
    if (code === COMMA && texts.length > 0) {
      i += 1
      continue
    }
    if (code !== OPEN) return undefined
    const end = endOfObject(text, i)
    if (end === undefined) return undefined
    texts.push(text.slice(i, end))
    i = end
  }
  return undefined
}

/** Behind the closing brace of the object at `from`; undefined if there is none, or an escape, which is rare here. */
function endOfObject(text: string, from: number): number | undefined {
  let depth = 0
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) {
      i = text.indexOf('"', i + 1)
      if (i < 0 || text.charCodeAt(i - 1) === BACKSLASH) return undefined
    } else if (code === OPEN) depth += 1
    else if (code === CLOSE && --depth === 0) return i + 1
  }
  return undefined
}
