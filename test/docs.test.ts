/** What README, docs and docstrings show is run: each block as a user would, in an empty folder. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, inject, test } from 'vitest'
import { createTable } from '../src/table/create.ts'
import { loadTable } from '../src/table/load.ts'
import { schema, t } from '../src/spec/builder.ts'
import { prepareJudges } from './judges/setup.ts'
import { type CodeBlock, docstringBlocks, markdownBlocks } from './support/code-blocks.ts'
import { minioClient, s3Options, temporaryDirectory } from './support/tables.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const TSX = join(ROOT, 'node_modules/tsx/dist/cli.mjs')
const CLI = join(ROOT, 'src/cli/main.ts')
const run = promisify(execFile)
const s3 = inject('s3')

const columns = schema({
  id: t.string,
  at: t.timestamptz,
  kind: t.optional(t.string),
  amount: t.optional(t.decimal(12, 2)),
})

async function runTs(folder: string, name: string, code: string): Promise<void> {
  const file = join(folder, `${name}.mts`)
  await writeFile(file, code)
  await run(process.execPath, [TSX, '--tsconfig', join(ROOT, 'tsconfig.json'), file], { cwd: folder })
}

async function runShell(folder: string, code: string): Promise<string> {
  const cli = `"${process.execPath}" "${TSX}" --tsconfig "${join(ROOT, 'tsconfig.json')}" "${CLI}"`
  const { stdout } = await run('bash', ['-euc', code.replaceAll('npx datashard', cli)], { cwd: folder })
  return stdout
}

/** The documentation's addresses are examples; the test's server stands in for them. */
function withTestServer(code: string): string {
  return code
    .replaceAll('http://127.0.0.1:9000', s3.endpoint)
    .replaceAll(
      "accessKeyId: 'minioadmin', secretAccessKey: 'minioadmin'",
      `accessKeyId: '${s3.accessKeyId}', secretAccessKey: '${s3.secretAccessKey}'`,
    )
}

describe('README', () => {
  const blocks = markdownBlocks(ROOT).filter((block) => block.file === 'README.md')
  const of = (language: string) => blocks.filter((block) => block.language === language)

  test('every line of it works, from top to bottom, in one empty folder', { timeout: 300_000 }, async () => {
    await using folder = await temporaryDirectory()
    await minioClient(s3)
      .makeBucket('analytics')
      .catch(() => undefined)
    const shared = await createTable('s3://analytics/prod/events', {
      schema: columns,
      s3: s3Options(s3),
      ifNotExists: true,
    })
    await shared.close()
    for (const block of of('ts')) await runTs(folder.path, `line-${block.line}`, withTestServer(block.code))

    const [commands] = of('sh').filter((block) => block.code.includes('npx datashard create'))
    const printed = await runShell(folder.path, commands!.code)
    expect(printed).toContain('t1')

    const judges = await prepareJudges()
    const python = judges?.python
    for (const block of of('python').filter(({ code }) => code.includes('pyiceberg'))) {
      expect(python, 'the Python judges are needed to run this block').toBeDefined()
      const { stdout } = await run(python!, ['-c', block.code], { cwd: folder.path })
      expect(stdout).toContain('login')
    }
    const table = await loadTable(join(folder.path, 'events'))
    expect(await table.scan().count()).toBe(5)
  })

  test('its two commands are those of package.json', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
    const first = of('sh')[0]!.code
    expect([...first.matchAll(/npm (?:run )?(\w+)/g)].map((match) => match[1])).toEqual(['ci', 'demo', 'ci', 'test'])
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']))
  })
})

test('every TypeScript block in docs runs', async () => {
  const blocks = markdownBlocks(ROOT).filter((block) => block.file !== 'README.md' && block.language === 'ts')
  for (const block of blocks) await runAlone(block)
})

describe('docstrings', () => {
  const blocks = docstringBlocks(ROOT)

  test('there are examples', () => {
    expect(blocks.length).toBeGreaterThan(10)
  })

  for (const block of blocks) test(`${block.file}:${block.line}`, () => runAlone(block))
})

/** In a folder with a table `events`, unless the block makes its own. */
async function runAlone(block: CodeBlock): Promise<void> {
  await using folder = await temporaryDirectory()
  if (!block.code.includes("createTable('./events'")) {
    const table = await createTable(join(folder.path, 'events'), { schema: columns })
    await table.append([{ id: 'a', at: new Date(), kind: 'login', amount: '1.00' }])
    await table.close()
  }
  await mkdir(join(folder.path, 'run'), { recursive: true })
  // Where readers would have installed what a block imports.
  await symlink(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'))
  await runTs(folder.path, 'block', withTestServer(block.code))
}
