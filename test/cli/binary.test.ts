import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Child, startDatashard, until } from './binary.ts'
import { datashard } from './memory-io.ts'

let directory: string
const at = (name: string) => join(directory, name)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'binary-'))
  await datashard(['create', at('t'), '--schema', 'id long not null, pad string'])
  const rows = Array.from({ length: 20_000 }, (_, id) => JSON.stringify({ id, pad: 'x'.repeat(200) })).join('\n')
  await datashard(['append', at('t')], { stdin: rows })
})
afterAll(() => rm(directory, { recursive: true }))

const count = async (table: string) => Number((await datashard(['scan', at(table), '--count'])).stdout)

describe('the program as a process', () => {
  test('files, stdin and stdout of a shell', async () => {
    await writeFile(at('in.csv'), 'a,b\n1,x\n')
    const append = startDatashard(['append', at('shell'), at('in.csv'), '-', '--format', 'csv', '--create', '--infer'])
    append.process.stdin.end('a,b\n2,y\n')
    expect({ code: await append.ended, stderr: append.stderr() }).toMatchObject({ code: 0 })
    const scan = startDatashard(['scan', at('shell'), '--json'])
    expect(await scan.ended).toBe(0)
    expect(scan.stdout()).toBe('{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n')
    expect(scan.stderr()).toBe('')
  })

  test('a user mistake is one message and exit code 2, without a stack', async () => {
    const child = startDatashard(['scan', at('t'), '--select', 'idd'])
    expect(await child.ended).toBe(2)
    expect(child.stderr()).toMatch(/^error: .*no column 'idd'; did you mean 'id'\?\n$/)
    expect(child.stdout()).toBe('')
  })

  test('a reader that goes away ends the scan quietly', async () => {
    const script = `"$0" --import tsx src/cli/main.ts scan "$1" --json | head -n 1; echo "\${PIPESTATUS[0]}"`
    const shell = spawn('bash', ['-c', script, process.execPath, at('t')])
    let stdout = ''
    let stderr = ''
    shell.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    await new Promise((resolve) => shell.on('close', resolve))
    expect({ lines: stdout.split('\n').length, stderr }).toEqual({ lines: 3, stderr: '' })
    expect(stdout.split('\n')[1]).toBe('0')
  })

  test('output that cannot be written is an error, not a shorter result', async () => {
    for (const command of ['scan', 'log']) {
      const script = `"$0" --import tsx src/cli/main.ts ${command} "$1" --json > /dev/full`
      const shell = spawn('bash', ['-c', script, process.execPath, at('t')])
      let stderr = ''
      shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      const code = await new Promise((resolve) => shell.on('close', resolve))
      expect(code).toBe(1)
      expect(JSON.parse(stderr)).toMatchObject({ error: { message: expect.stringMatching(/no space left/) } })
    }
  })

  test('SIGINT during an append: nothing is appended, and that is what it says', async () => {
    const before = await count('t')
    const child = startDatashard(['append', at('t'), '--format', 'ndjson', '--trace'])
    child.process.stdin.write('{"id":1}\n{"id":2}\n')
    await until(() => isReading(child))
    child.process.kill('SIGINT')
    expect(await child.ended).toBe(3)
    expect(child.stderr()).toMatch(/^error: .*cancelled; nothing was appended$/m)
    expect(child.stderr()).not.toMatch(/\n\s+at /)
    expect(await count('t')).toBe(before)
  })

  test('SIGINT between two commits: what is committed is said', async () => {
    const before = await count('t')
    const child = startDatashard(['append', at('t'), '--format', 'ndjson', '--batch-seconds', '0.2', '--json'])
    child.process.stdin.write('{"id":1}\n{"id":2}\n')
    await until(async () => (await count('t')) === before + 2)
    child.process.kill('SIGINT')
    expect(await child.ended).toBe(3)
    expect(JSON.parse(child.stderr())).toMatchObject({
      error: {
        code: 'aborted',
        committed: 'no',
        exitCode: 3,
        details: { rowsCommitted: 2, commits: 1 },
        message: expect.stringMatching(/2 rows were appended before, in 1 commit; the last is version \d+/),
      },
    })
    expect(await count('t')).toBe(before + 2)
  })

  test('a second SIGINT does not wait', async () => {
    const child = startDatashard(['append', at('t'), '--format', 'ndjson', '--trace'])
    child.process.stdin.write('{"id":1}\n{"id":2}\n')
    await until(() => isReading(child))
    child.process.kill('SIGINT')
    child.process.kill('SIGINT')
    expect([3, 130]).toContain(await child.ended)
  })

  test('demo: every row of every process is there, and can be looked at', async () => {
    const demo = startDatashard(['demo', at('demo'), '--processes', '3'])
    expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({ code: 0, stderr: '' })
    expect(demo.stdout()).toMatch(/300 rows there, 300 expected, \d+ commits/)
    expect(demo.stdout()).toMatch(/worker-[123]/)
    expect(demo.stdout()).toMatch(/Next: datashard verify/)
    const again = startDatashard(['demo', at('demo')])
    expect(await again.ended).toBe(2)
    expect(again.stderr()).toMatch(/--yes replaces it/)
    const other = startDatashard(['demo', at('t'), '--yes'])
    expect(await other.ended).toBe(2)
    expect(other.stderr()).toMatch(/is not a demo's/)
    const replaced = startDatashard(['demo', at('demo'), '--processes', '1', '--yes', '--json'])
    expect(await replaced.ended).toBe(0)
    expect(JSON.parse(replaced.stdout())).toMatchObject({ rows: 100, expected: 100, commits: 5, processes: 1 })
  })
})

/** Whether an append has opened its table, after which it reads its input. */
function isReading(child: Child): boolean {
  return /^GET +200 .*\.metadata\.json$/m.test(child.stderr())
}
