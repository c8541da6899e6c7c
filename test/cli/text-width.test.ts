import { describe, expect, test } from 'vitest'
import { displayWidth, fitToWidth, truncateToWidth, visibleText } from '../../src/cli/output/text-width.ts'

describe('text width', () => {
  test('ascii, wide characters, emoji and combining marks take 1, 2, 2 and 0 columns', () => {
    expect(displayWidth('abc')).toBe(3)
    expect(displayWidth('日本語')).toBe(6)
    expect(displayWidth('한글')).toBe(4)
    expect(displayWidth('👩‍👩‍👧')).toBe(2)
    expect(displayWidth('e\u0301')).toBe(1)
    expect(displayWidth('naïve')).toBe(5)
  })

  test('a text is cut at a whole character, with an ellipsis, and never wider than asked', () => {
    expect(truncateToWidth('abcdef', 4)).toBe('abc…')
    expect(truncateToWidth('日本語', 4)).toBe('日…')
    expect(truncateToWidth('abc', 3)).toBe('abc')
    for (let width = 1; width < 12; width++) {
      expect(displayWidth(truncateToWidth('a日b👍c한글déf', width))).toBeLessThanOrEqual(width)
    }
  })

  test('padding counts columns, not code units', () => {
    expect(fitToWidth('日', 4, 4, 'left')).toBe('日  ')
    expect(fitToWidth('12', 4, 4, 'right')).toBe('  12')
    expect(fitToWidth('123456', 4, 4, 'right')).toBe('123…')
    expect(fitToWidth('日本語', 2, 4, 'left')).toBe('日…')
    expect(fitToWidth('123456', 4, 10, 'right')).toBe('123456')
  })

  test('control characters and direction marks are written out: a value cannot drive the terminal', () => {
    expect(visibleText('a\nb\tc')).toBe('a\\nb\\tc')
    expect(visibleText('\u001b[31mred')).toBe('\\u001b[31mred')
    expect(visibleText('\u202eevil')).toBe('\\u202eevil')
  })
})
