import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTable } from '../../src/table/create.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'
import { datashard } from './memory-io.ts'

/** Nanoseconds need format v3. */
const writable = anySchema.filter((schema) => !JSON.stringify(schema).includes('_ns"'))

const samples = writable.chain((schema) => fc.tuple(fc.constant(schema), rowsOf(schema, 8)))

const OPTIONS: Readonly<Record<string, readonly string[]>> = { csv: ['--null', '\\N'], tsv: ['--null', '<null>'] }

test.each(['ndjson', 'json', 'csv', 'tsv', 'parquet', 'arrow'])(
  '%s: rows of any schema are the same after a file',
  async (format) => {
    const options = OPTIONS[format] ?? []
    await fc.assert(
      fc.asyncProperty(samples, async ([schema, rows]) => {
        const directory = await mkdtemp(join(tmpdir(), 'round-'))
        try {
          const at = (name: string) => join(directory, name)
          for (const name of ['one', 'two']) {
            const table = await createTable(at(name), { schema })
            if (name === 'one') await table.append(rows)
            await table.close()
          }
          const file = at(`rows.${format}`)
          expect(await datashard(['scan', at('one'), '-q', '-o', file, ...options])).toMatchObject({
            code: 0,
            stderr: '',
          })
          expect(await datashard(['append', at('two'), file, ...options])).toMatchObject({ code: 0, stderr: '' })
          const [one, two] = await Promise.all(['one', 'two'].map((name) => datashard(['scan', at(name), '--json'])))
          expect(two!.stdout).toBe(one!.stdout)
        } finally {
          await rm(directory, { recursive: true })
        }
      }),
      { numRuns: 25 },
    )
  },
)
