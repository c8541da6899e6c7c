/**
 * "From an empty folder" of docs/lambda.md, done as it is written by somebody who has Node, npm and nothing of this checkout: the package is
 * the packed tarball, its dependencies come from the registry or npm's cache, and the lines are those of the page. Then the same on S3.
 */
import { execFile, spawn } from 'node:child_process'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { codeBlocks } from './support/code-blocks.ts'
import { freePort } from './support/minio.ts'
import { newBucket, s3Environment, temporaryDirectory } from './support/tables.ts'

const ROOT = join(import.meta.dirname, '..')
const SECTION = '## From an empty folder'
const PAGE_URL = 'http://127.0.0.1:9100'
const run = promisify(execFile)
const s3 = inject('s3')

/** The blocks of the section, in their order, by what they are for. */
async function steps() {
  const page = await readFile(join(ROOT, 'docs/lambda.md'), 'utf8')
  const section = page.slice(page.indexOf(SECTION)).split(/\n## /)[0]!
  const blocks = codeBlocks('docs/lambda.md', section).map(({ code }) => code)
  expect(blocks).toHaveLength(5)
  const [install = '', handler = '', serve = '', http = '', queue = ''] = blocks
  return { install, handler, serve, http, queue }
}

let folder: Awaited<ReturnType<typeof temporaryDirectory>>
let page: Awaited<ReturnType<typeof steps>>

beforeAll(async () => {
  folder = await temporaryDirectory()
  page = await steps()
  await using packed = await temporaryDirectory()
  const tarball = await pack(packed.path)
  const offline = `--prefer-offline --no-audit --no-fund ${tarball}`
  await shell(page.install.replace('npm install datashard', `npm install ${offline}`))
  await writeFile(join(folder.path, 'handler.mjs'), page.handler)
})
afterAll(() => folder[Symbol.asyncDispose]())

/** Packs the package in a place of its own: other tests build into the checkout's `dist` at the same time. */
async function pack(place: string): Promise<string> {
  await run('npm', ['run', 'build', '--silent', '--', join(place, 'dist')], { cwd: ROOT })
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
    await copyFile(join(ROOT, name), join(place, name))
  }
  const { stdout } = await run('npm', ['pack', '--json', '--silent'], { cwd: place })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(place, filename)
}

async function shell(lines: string, environment: Record<string, string> = {}): Promise<string> {
  const env = { ...process.env, ...environment }
  const { stdout } = await run('bash', ['-euc', lines], { cwd: folder.path, env })
  return stdout
}

/** Runs the page's command in a terminal of its own until `use` is through, then presses Ctrl-C there. Gives what it printed. */
async function served(environment: Record<string, string>, use: (url: string) => Promise<void>): Promise<string> {
  const port = await freePort()
  const command = page.serve.replace('handler.mjs', `handler.mjs --port ${port}`)
  const terminal = spawn('bash', ['-euc', command], {
    cwd: folder.path,
    env: { ...process.env, ...environment },
    // A group of its own: Ctrl-C reaches all that the terminal runs, and not this test.
    detached: true,
  })
  let printed = ''
  terminal.stdout.on('data', (data) => (printed += String(data)))
  terminal.stderr.on('data', (data) => (printed += String(data)))
  const ended = new Promise((resolve) => terminal.on('close', resolve))
  try {
    await expect.poll(() => printed, { timeout: 30_000 }).toContain('Ctrl-C ends it')
    await use(`http://127.0.0.1:${port}`)
  } finally {
    process.kill(-terminal.pid!, 'SIGINT')
    await ended
  }
  return printed
}

test('a handler of some lines, a request, and the rows are in the table', { timeout: 120_000 }, async () => {
  const printed = await served({}, async (url) => {
    const first = await shell(page.http.replaceAll(PAGE_URL, url))
    expect(first).toContain('{"rows":2,"version":2}')
    expect(first).toMatch(/c1 +2026-01-31T12:00:00\+00:00 +login/)
    const again = await shell(page.http.replaceAll(PAGE_URL, url))
    expect(again).toContain('{"rows":2,"version":2}')
    expect(again.match(/c\d +2026/g)).toHaveLength(2)
    const queued = await shell(page.queue.replaceAll(PAGE_URL, url))
    expect(queued).toMatch(/\{"batchItemFailures":\[\]\}\n3\n/)
  })
  expect(printed).toMatch(/POST \/ 200 in \d+ ms/)
})

test('the same file on a bucket: only the environment is another', { timeout: 120_000 }, async () => {
  const bucket = await newBucket(s3, 'first-steps')
  const environment = { ...s3Environment(s3), TABLE: `s3://${bucket}/clicks` }
  await served(environment, async (url) => {
    const lines = page.http.replaceAll(PAGE_URL, url).replaceAll('./clicks', environment.TABLE)
    const said = await shell(lines, environment)
    expect(said).toContain('{"rows":2,"version":2}')
    expect(said.match(/c\d +2026/g)).toHaveLength(2)
  })
})
