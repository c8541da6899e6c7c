/** The packed tarball, as strangers get it: in plain JavaScript, in TypeScript, bundled, and as a command. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { s3Options, temporaryDirectory } from './support/tables.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const run = promisify(execFile)

const USE = `
const table = await createTable('./table', { schema: schema({ id: t.long, at: t.timestamptz }), ifNotExists: true })
await table.append([{ id: 1, at: new Date() }, { id: 2n, at: '2026-01-31T12:00:00Z' }])
const rows = await table.scan({ where: gt('id', 1) }).toArray()
console.log(rows.length, typeof rows[0].id, await table.scan().count())
await table.close()
`
/** The AWS SDK is CommonJS and loaded lazily: what a bundle gets wrong most easily. */
const USE_S3 = `
import { loadTable } from 'datashard'
const s3 = ${JSON.stringify(s3Options(inject('s3')))}
await loadTable('s3://no-such-bucket/t', { s3 }).catch((error) => console.log(error.code))
`
const JAVASCRIPT = `import { createTable, gt, schema, t } from 'datashard'\n${USE}`
const TYPESCRIPT = `
import { createTable, schema, t, type RowOf, type Table } from 'datashard'
import { appendHandler } from 'datashard/lambda'
import { memoryStore, type ObjectStore } from 'datashard/store'
import type { SQSHandler } from 'aws-lambda'

const events = schema({ id: t.string, amount: t.optional(t.decimal(12, 2)) })
const row: RowOf<typeof events> = { id: 'a' }
const store: ObjectStore = memoryStore()
const table = await createTable('memory://store/t', { schema: events, store })
await table.append([row, { id: 'b', amount: '1.00' }])
for await (const { id, amount } of table.scan()) {
  const text: string = id
  const maybe: string | null = amount
  console.log(text, maybe)
}
const anyTable: Table = table
// @ts-expect-error a column that does not exist
await table.append([{ id: 'a', nmae: 1 }])
// @ts-expect-error a wrong type
await table.append([{ id: 5 }])
console.log(anyTable.version)
export const handler: SQSHandler = appendHandler({ table, source: 'sqs', map: ({ id }) => ({ id }) })
// @ts-expect-error a queue has other answers than a stream of Firehose
export const other: SQSHandler = appendHandler({ table, source: 'firehose' })
`

let consumer: Awaited<ReturnType<typeof temporaryDirectory>>

beforeAll(async () => {
  consumer = await temporaryDirectory()
  const folder = consumer.path
  await run('npm', ['run', 'build', '--silent'], { cwd: ROOT })
  const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], { cwd: ROOT })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  await run('tar', ['xzf', filename], { cwd: folder })
  // Its dependencies are those of the checkout: what is tested is the package, not the registry.
  await mkdir(join(folder, 'node_modules'))
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  await symlink(join(folder, 'package'), join(folder, 'node_modules/datashard'))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'package/node_modules'))
})
afterAll(() => consumer[Symbol.asyncDispose]())

describe('the packed package', () => {
  test('holds what it needs and nothing else', async () => {
    const top = await readdir(join(consumer.path, 'package'))
    expect(top.filter((name) => name !== 'node_modules').toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist',
      'package.json',
    ])
  })

  test('works in plain JavaScript', async () => {
    await writeFile(join(consumer.path, 'use.js'), JAVASCRIPT)
    const { stdout } = await run(process.execPath, ['use.js'], { cwd: consumer.path })
    expect(stdout.trim()).toBe('1 bigint 2')
  })

  test('its types resolve in TypeScript, and say what is wrong', async () => {
    await writeFile(join(consumer.path, 'use.ts'), TYPESCRIPT)
    const options = {
      compilerOptions: {
        module: 'nodenext',
        target: 'es2023',
        lib: ['es2023', 'esnext.disposable'],
        types: ['node'],
        strict: true,
        skipLibCheck: true,
        noEmit: true,
      },
      files: ['use.ts'],
    }
    await writeFile(join(consumer.path, 'tsconfig.json'), JSON.stringify(options))
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const checked = await run(process.execPath, [tsc, '-p', '.'], { cwd: consumer.path }).catch(
      (error: unknown) => error,
    )
    expect((checked as { stdout: string }).stdout).toBe('')
  })

  test('works bundled by esbuild, with the wasm beside the bundle', async () => {
    await writeFile(join(consumer.path, 'bundle-me.js'), `${JAVASCRIPT}${USE_S3}`)
    const out = await temporaryDirectory()
    await build({
      entryPoints: [join(consumer.path, 'bundle-me.js')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      minify: true,
      splitting: true,
      outdir: out.path,
      outExtension: { '.js': '.mjs' },
      logLevel: 'error',
      banner: {
        js: "import { createRequire as bannerRequire } from 'node:module'; const require = bannerRequire(import.meta.url);",
      },
    })
    const wasm = join(ROOT, 'node_modules/parquet-wasm/esm/parquet_wasm_bg.wasm')
    await copyFile(wasm, join(out.path, 'parquet_wasm_bg.wasm'))
    const { stdout } = await run(process.execPath, ['bundle-me.mjs'], { cwd: out.path })
    expect(stdout.trim().split('\n')).toEqual(['1 bigint 2', 'not-found'])
    await out[Symbol.asyncDispose]()
  })

  test('works bundled into one CommonJS file', async () => {
    await using out = await temporaryDirectory()
    const program = `(async () => {${USE}})()`
    await writeFile(
      join(consumer.path, 'bundle-me-too.js'),
      `import { createTable, gt, schema, t } from 'datashard'\n${program}`,
    )
    const outfile = join(out.path, 'bundle.cjs')
    const entryPoints = [join(consumer.path, 'bundle-me-too.js')]
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' })
    const wasm = join(ROOT, 'node_modules/parquet-wasm/esm/parquet_wasm_bg.wasm')
    await copyFile(wasm, join(out.path, 'parquet_wasm_bg.wasm'))
    const { stdout } = await run(process.execPath, [outfile], { cwd: out.path })
    expect(stdout.trim()).toBe('1 bigint 2')
  })

  test('has nothing that webpack stumbles over', async () => {
    const parts = join(consumer.path, 'package/dist/parts')
    const texts = await Promise.all((await readdir(parts)).map((name) => readFile(join(parts, name), 'utf8')))
    // It takes the calls of one that is imported for modules of the bundle, and refuses to build what it does not find.
    expect(texts.filter((text) => /^import .*\bcreateRequire\b/m.test(text))).toEqual([])
    // What may be missing has to be imported within a try.
    const optional = texts.filter((text) => text.includes('import("@opentelemetry/api")'))
    expect(optional).toHaveLength(1)
    expect(optional[0]).toMatch(/try \{\s+return await import\("@opentelemetry\/api"\)/)
  })

  test('has a command', async () => {
    const bin = join(consumer.path, 'package/dist/cli/main.js')
    const { stdout } = await run(process.execPath, [bin, '--version'], { cwd: consumer.path })
    expect(stdout.trim()).toBe('0.1.0')
  })

  test('has one class of tables and of errors, whichever entry they come through', async () => {
    const program = `
      import { createTable, DataShardError } from 'datashard'
      import { sweep } from 'datashard/maintenance'
      import { memoryStore } from 'datashard/store'
      const fields = [{ id: 1, name: 'a', type: 'int', required: true }]
      const table = await createTable('memory://store/t', { store: memoryStore(), schema: { fields } })
      const { version } = await sweep(table)
      const error = await sweep('memory://store/none', { store: memoryStore() }).catch((thrown) => thrown)
      console.log(version, error instanceof DataShardError, error.code)`
    await writeFile(join(consumer.path, 'entries.mjs'), program)
    const { stdout } = await run(process.execPath, ['entries.mjs'], { cwd: consumer.path })
    expect(stdout.trim()).toBe('1 true not-found')
  })

  test('is imported without loading the AWS SDK, Arrow or the wasm', async () => {
    await writeFile(join(consumer.path, 'light.mjs'), `await import('datashard')`)
    // A line for each module that is loaded, and more: some megabytes.
    const { stderr } = await run(process.execPath, ['light.mjs'], {
      cwd: consumer.path,
      env: { ...process.env, NODE_DEBUG: 'esm' },
      maxBuffer: 256 * 2 ** 20,
    })
    expect(stderr).toMatch(/dist\/parts\/[^/]+\.js/)
    expect(stderr).not.toMatch(/client-s3|apache-arrow|parquet_wasm/)
  })
})
