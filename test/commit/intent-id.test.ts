import { describe, expect, test } from 'vitest'
import { ID_LENGTH, isId, newIntentId } from '../../src/commit/intent-id.ts'
import type { Runtime } from '../../src/runtime.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

/** A runtime whose random bytes are these. */
const withBytes = (...bytes: readonly number[]): Runtime => ({
  ...virtualRuntime(),
  randomBytes: (n) => Uint8Array.from({ length: n }, (_, i) => bytes[i] ?? 0),
})

describe('ids', () => {
  test('are the 80 bits in digits and small letters, the first bits first', () => {
    expect(newIntentId(withBytes())).toBe('0000000000000000')
    expect(newIntentId(withBytes(...Array<number>(10).fill(255)))).toBe('vvvvvvvvvvvvvvvv')
    expect(newIntentId(withBytes(0b00000_000, 0b01_00010_0, 0b0011_0010, 0b0_00101_00, 0b110_00111))).toBe(
      '0123456700000000',
    )
    expect(newIntentId(withBytes(0, 0, 0, 0, 0, 0, 0, 0, 0, 1))).toBe('0000000000000001')
    expect(newIntentId(withBytes(128))).toBe('g000000000000000')
  })

  test('are another one each time', () => {
    const runtime = virtualRuntime()
    const made = Array.from({ length: 1_000 }, () => newIntentId(runtime))
    expect(new Set(made).size).toBe(1_000)
    expect(made.every((id) => id.length === ID_LENGTH && isId(id))).toBe(true)
  })

  test.each([
    '',
    '0123456789abcde',
    '0123456789abcdef0',
    '0123456789abcdeF',
    '0123456789abcdew',
    '0123456789abcde\n',
    '-123456789abcdef',
  ])('and %j is none', (text) => expect(isId(text)).toBe(false))
})
