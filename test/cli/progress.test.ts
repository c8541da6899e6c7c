import { describe, expect, test } from 'vitest'
import { formatBytes, formatCount, formatDuration, startProgress } from '../../src/cli/progress.ts'
import type { CommonOptions, Session } from '../../src/cli/session.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { collector } from './memory-io.ts'
import { Readable } from 'node:stream'

function session(options: CommonOptions, terminal: boolean) {
  let now = 0
  const err = collector(terminal ? 80 : undefined)
  const io = { stdin: Readable.from([]), stdout: collector().stream, stderr: err.stream, env: {} }
  const runtime = { ...systemRuntime, monotonic: () => now }
  const made: Session = { io, runtime, signal: new AbortController().signal, options }
  return { session: made, text: err.text, wait: (ms: number) => (now += ms) }
}

describe('progress', () => {
  test('on a terminal, after a moment, at most ten times a second, and gone at the end', () => {
    const { session: at, text, wait } = session({}, true)
    const progress = startProgress(at, 'appending')
    progress.add({ rows: 10, bytes: 100 })
    expect(text()).toBe('')
    wait(400)
    progress.add({ rows: 1_234_557, bytes: 1_500_000 })
    progress.add({ bytes: 1 })
    expect(text()).toBe('\r\u001b[Kappending: 1,234,567 rows, 1.4 MiB, 0.4 s')
    wait(100)
    progress.add({ bytes: 1 })
    expect(text().match(/appending/g)).toHaveLength(2)
    progress.end()
    progress.end()
    expect(text().endsWith('s\r\u001b[K')).toBe(true)
    expect({ rows: progress.rows, bytes: progress.bytes, elapsedMs: progress.elapsedMs }).toEqual({
      rows: 1_234_567,
      bytes: 1_500_102,
      elapsedMs: 500,
    })
  })

  test.each([
    [{}, false],
    [{ json: true }, true],
    [{ quiet: true }, true],
    [{ trace: true }, true],
  ])('never with %j on a terminal: %s', (options, terminal) => {
    const { session: at, text, wait } = session(options, terminal)
    const progress = startProgress(at, 'appending')
    wait(1000)
    progress.add({ bytes: 1 })
    progress.end()
    expect(text()).toBe('')
  })

  test('numbers for people', () => {
    expect([0, 999, 1000, 1234567n, '1000'].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567', '1,000'])
    expect([0, 1023, 1024, 1536, 5 * 1024 ** 3].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '5.0 GiB',
    ])
    expect([0.4, 999, 1000, 61_000].map(formatDuration)).toEqual(['0 ms', '999 ms', '1.0 s', '61.0 s'])
  })
})
