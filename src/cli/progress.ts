/** What has been done so far, on the last line of a terminal's stderr; nothing at all anywhere else. */
import type { Session } from './session.ts'

/** Shorter intervals flicker and cost time. */
const INTERVAL_MS = 100

/** Work that ends sooner shows nothing. */
const DELAY_MS = 300

export interface Progress {
  add(count: { readonly rows?: number; readonly bytes?: number }): void
  readonly rows: number
  readonly bytes: number
  readonly elapsedMs: number
  /** Takes the line away. To be called before anything else is written to the terminal. */
  end(): void
}

/** @param doing what the line begins with: `appending`. */
export function startProgress(session: Session, doing: string): Progress {
  const { runtime, options, io } = session
  const visible = io.stderr.isTTY === true && options.json !== true && options.quiet !== true && options.trace !== true
  const startMs = runtime.monotonic()
  let rows = 0
  let bytes = 0
  let nextMs = startMs + DELAY_MS
  let drawn = false
  const draw = (nowMs: number) => {
    nextMs = nowMs + INTERVAL_MS
    drawn = true
    const seconds = ((nowMs - startMs) / 1000).toFixed(1)
    io.stderr.write(`\r\u001b[K${doing}: ${countOf(rows, 'row')}, ${formatBytes(bytes)}, ${seconds} s`)
  }
  return {
    add(count) {
      rows += count.rows ?? 0
      bytes += count.bytes ?? 0
      // Asking for the time for every row would cost more than the row.
      if (!visible || (count.rows === 1 && (rows & 0x3f) !== 0)) return
      const nowMs = runtime.monotonic()
      if (nowMs >= nextMs) draw(nowMs)
    },
    get rows() {
      return rows
    },
    get bytes() {
      return bytes
    },
    get elapsedMs() {
      return runtime.monotonic() - startMs
    },
    end() {
      if (drawn) io.stderr.write('\r\u001b[K')
      drawn = false
      nextMs = Infinity
    },
  }
}

/** `1234567` as `1,234,567`. */
export function formatCount(value: number | bigint | string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 row`, `1,536 rows`. */
export function countOf(value: number | bigint | string, noun: string): string {
  return `${formatCount(value)} ${noun}${String(value) === '1' ? '' : 's'}`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1536` as `1.5 KiB`. */
export function formatBytes(bytes: number | bigint): string {
  let value = Number(bytes)
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** `1.3 s`, `250 ms`. */
export function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
