/** Which bytes to ask for together: a request costs about as much time as the transfer of a few hundred kilobytes. */

/** Bytes `[start, end)`. */
export interface ByteSpan {
  readonly start: number
  readonly end: number
}

/** Bytes between two spans that are read along rather than making two requests of them. */
const GAP_BYTES = 512 * 1024
/** A span is not extended beyond this: several requests at once are faster than one large one. */
const SPAN_BYTES = 16 * 1024 * 1024

/** The fewest spans, in order and not overlapping, that cover all of `spans` without large gaps. */
export function coalesce(spans: readonly ByteSpan[]): readonly ByteSpan[] {
  const sorted = [...spans].sort((a, b) => a.start - b.start)
  const result: { start: number; end: number }[] = []
  for (const { start, end } of sorted) {
    const last = result.at(-1)
    const joins =
      last !== undefined && (start < last.end || (start - last.end <= GAP_BYTES && end - last.start <= SPAN_BYTES))
    if (joins) last.end = Math.max(last.end, end)
    else result.push({ start, end })
  }
  return result
}
