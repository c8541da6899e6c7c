/** The arithmetic of the documentation: every `a x b = c` is done again, and every row of a table of costs is added up. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const page = (file: string) => readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')

/** The value of products, sums and quotients with brackets, as people write them: `1,000 x (0.3 s x 13.33/M + 0.2/M)`. */
function valueOf(text: string): number {
  const plain = text
    .replaceAll(/(?<=\d),(?=\d{3})/g, '')
    .replaceAll('10^6', '1000000')
    .replaceAll('/M', '/1000000')
    .replaceAll(/ M\b/g, '*1000000')
    .replaceAll(/\$|\*\*| (?:s|GB|KB)\b/g, '')
    .replaceAll(/(?<=\d)([nk])/g, '*$1')
    .replaceAll(/[nk]/g, '7')
    .replaceAll('x', '*')
    .replaceAll(' ', '')
  const tokens = plain.match(/[\d.]+|[()+*/]/g) ?? []
  expect(tokens.join('')).toBe(plain)
  let at = 0
  const factor = (): number => {
    if (tokens[at] !== '(') return Number(tokens[at++])
    at++
    const inner = sum()
    at++
    return inner
  }
  const product = (): number => {
    let value = factor()
    while (tokens[at] === '*' || tokens[at] === '/') value = tokens[at++] === '*' ? value * factor() : value / factor()
    return value
  }
  const sum = (): number => {
    let value = product()
    while (tokens[at] === '+') {
      at++
      value += product()
    }
    return value
  }
  const value = sum()
  expect([text, at]).toEqual([text, tokens.length])
  return value
}

/** Half of the last digit that was written, and a little for sums of rounded parts. */
function toleranceOf(written: string): number {
  const decimals = written.split('.')[1]?.length ?? 0
  return 0.6 * 10 ** -decimals
}

function expectWritten(text: string, written: string): void {
  expect(Math.abs(valueOf(text) - Number(written)), `${text} = ${written}`).toBeLessThanOrEqual(toleranceOf(written))
}

const CALCULATION = /([\d$(](?:[\d.$()+x/^ ]|,(?=\d)|M\b|s\b|GB\b)*) = \*{0,2}(\d[\d.]*\d|\d)\*{0,2}/g

/** The rows of the table whose head begins so. */
function tableOf(text: string, head: string): string[][] {
  const rows = text.slice(text.indexOf(head)).split('\n\n')[0]!.trim().split('\n')
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** What a cell comes to: one number, or the least and the most. None for words. */
function amountsOf(cell: string): number[] {
  const results = [...cell.matchAll(CALCULATION)].map(([, , written]) => Number(written))
  if (results.length > 0) return results
  return /^[\d.*]+(?: to [\d.*]+)?$/.test(cell) ? cell.replaceAll('*', '').split(' to ').map(Number) : [0]
}

describe.each([
  ['infra/README.md', 22],
  ['docs/operations.md', 5],
])('%s', (file, atLeast) => {
  test('every calculation comes to what is written', () => {
    const found = [...page(file).matchAll(CALCULATION)]
    expect(found.length).toBeGreaterThanOrEqual(atLeast)
    for (const [, text, written] of found) expectWritten(text!.trim(), written!)
  })
})

test('infra/README.md: the parts of each row come to its sum', () => {
  const rows = tableOf(page('infra/README.md'), '| per million events')
  expect(rows).toHaveLength(6)
  for (const [name, ...cells] of rows) {
    const [total, ...parts] = cells.toReversed()
    const written = total!.replaceAll('*', '').split(' to ')
    for (const [index, text] of written.entries()) {
      const sum = parts
        .map((cell) => amountsOf(cell))
        .reduce((all, amounts) => all + (amounts[index] ?? amounts[0]!), 0)
      expect(Math.abs(sum - Number(text)), `${name}: ${sum}`).toBeLessThanOrEqual(toleranceOf(text))
    }
  }
})

test('infra/README.md: every price says where it can be checked, and whether it was', () => {
  const rows = tableOf(page('infra/README.md'), '| what                                    | dollars')
  expect(rows.length).toBeGreaterThan(9)
  for (const [, , where, how] of rows) {
    expect(where).toMatch(/^aws\.amazon\.com\/[\w/-]+\/?pricing$/)
    expect(how).toMatch(/^(?:others|memory)/)
  }
})

test('docs/lambda.md: requests of an invocation, in dollars', () => {
  const rows = tableOf(
    page('docs/lambda.md'),
    '| event                                                           | PUT',
  )
  expect(rows).toHaveLength(7)
  for (const [name, put, list, get, dollars] of rows) {
    const computed = `5 x (${put} + ${list}) + 0.4 x (${get})`
    expect(valueOf(computed), name).toBeCloseTo(valueOf(dollars!), 9)
  }
})
