/** Ranges of bytes, the same for every store: what is beyond the end is cut, what is nonsense is refused. */
import { invalid } from '../errors.ts'
import type { ByteRange } from './store.ts'

/** Refuses ranges that are not made of whole numbers from 0 up. */
export function checkRange(range: ByteRange | undefined): void {
  if (range === undefined) return
  const numbers = 'suffix' in range ? [range.suffix] : [range.start, range.end ?? 0]
  if (numbers.every((one) => Number.isSafeInteger(one) && one >= 0)) return
  invalid(`found ${JSON.stringify(range)} as a range of bytes, expected whole numbers from 0 up`)
}

/** Whether the range holds no byte of any object; HTTP has no way to ask for that. */
export function isEmptyRange(range: ByteRange | undefined): boolean {
  if (range === undefined) return false
  if ('suffix' in range) return range.suffix === 0
  return range.end !== undefined && range.end <= range.start
}

/** First byte and the one after the last, within an object of `size` bytes. */
export function boundsOf(range: ByteRange | undefined, size: number): readonly [start: number, end: number] {
  if (range === undefined) return [0, size]
  if ('suffix' in range) return [Math.max(0, size - range.suffix), size]
  const start = Math.min(range.start, size)
  return [start, Math.max(start, Math.min(range.end ?? size, size))]
}
