/**
 * How many columns of a terminal a text takes, and how it is cut and padded to fit. East Asian wide characters and
 * emoji take two, combining marks none.
 */

/** Code points that Unicode's EastAsianWidth.txt calls W or F, in ranges (first, last), emoji aside. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
]

const PLAIN = /^[\x20-\x7e]*$/
const EMOJI = /\p{Emoji_Presentation}|\u{fe0f}/u
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

/** Line breaks, escape sequences and marks that turn the writing direction: a value must not drive the terminal. */
// oxlint-disable-next-line no-control-regex -- finding control characters is the point
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

let segmenter: Intl.Segmenter | undefined

function graphemes(text: string): string[] {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  return Array.from(segmenter.segment(text), (part) => part.segment)
}

function graphemeWidth(grapheme: string): number {
  if (EMOJI.test(grapheme)) return 2
  if (INVISIBLE.test(grapheme)) return 0
  const point = grapheme.codePointAt(0)!
  return WIDE.some(([first, last]) => point >= first && point <= last) ? 2 : 1
}

/** Columns that `text` takes; it must hold no control characters, see {@link visibleText}. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme)
  return width
}

/** `text` on one line, with everything that could move the cursor written out (`\n`, `\u001b`). */
export function visibleText(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(UNSAFE, (c) => NAMED[c] ?? `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`)
}

/** The beginning of `text` that fits into `width` columns, its last one an ellipsis if something is missing. */
export function truncateToWidth(text: string, width: number): string {
  if (text.length <= width && PLAIN.test(text)) return text
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const grapheme of graphemes(text)) {
    const next = graphemeWidth(grapheme)
    if (used + next > width - 1) break
    kept += grapheme
    used += next
  }
  return `${kept}…`
}

/** `text` cut to `limit` columns and filled up with blanks to `width`. */
export function fitToWidth(text: string, width: number, limit: number, align: 'left' | 'right'): string {
  const plain = PLAIN.test(text)
  if (plain && text.length > limit) return `${text.slice(0, limit - 1)}…`
  const cut = plain ? text : truncateToWidth(text, limit)
  const blanks = ' '.repeat(Math.max(0, width - (plain ? text.length : displayWidth(cut))))
  return align === 'right' ? blanks + cut : cut + blanks
}
