/** The tests that docs/faults.md names are there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

test('each fault names tests that exist', async () => {
  const page = await readFile(join(ROOT, 'docs/faults.md'), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| \d+ /.test(line))
  expect(rows.map((line) => Number(line.split('|')[1]))).toEqual(
    Array.from({ length: 29 }, (_, i) => i + 1).toSorted(inPageOrder),
  )
  const missing: string[] = []
  for (const row of rows) {
    const named = row
      .split('|')
      .at(-2)!
      .split(/; (?=`)/)
    for (const part of named) {
      const file = /`(test\/[\w/-]+\.test\.ts)`/.exec(part)?.[1]
      expect(file, row).toBeDefined()
      const source = await readFile(join(ROOT, file!), 'utf8')
      // A name may be made of parts, as `15 on ${place}: ...`: what is quoted here stands there as it is.
      for (const [, title] of part.matchAll(/"([^"]+)"/g))
        if (!source.includes(title!)) missing.push(`${file}: ${title}`)
    }
  }
  expect(missing).toEqual([])
})

/** Those of values, 17 to 24, have a table of their own. */
function inPageOrder(a: number, b: number): number {
  const isValue = (n: number): number => (n >= 17 && n <= 24 ? 1 : 0)
  return isValue(a) - isValue(b) || a - b
}
