/** Several processes on one directory: exactly one creates each key, and a kill leaves whole objects or none. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { localStore } from '../../src/store/local.ts'

const PROCESSES = 8
const KEYS = 50

const script = fileURLToPath(new URL('local-process.ts', import.meta.url))
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

const children: ChildProcess[] = []
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'datashard-processes-'))
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', tsx, script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

/** Lines of its output, from the first on. */
function linesOf(child: ChildProcess): AsyncIterator<string> {
  return createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
}

test(`of ${PROCESSES} processes that create ${KEYS} keys at once, exactly one wins each`, async () => {
  const racers = Array.from({ length: PROCESSES }, (_, i) => start('race', directory, `racer ${i}`, `${KEYS}`))
  const lines = racers.map(linesOf)
  expect(await Promise.all(lines.map(async (line) => (await line.next()).value as string))).toEqual(
    racers.map(() => 'ready'),
  )
  for (const racer of racers) racer.stdin!.write('go\n')
  const won = await Promise.all(lines.map(async (line) => JSON.parse((await line.next()).value as string) as string[]))

  const expected = Array.from({ length: KEYS }, (_, key) => `race/${key}`)
  expect(won.flat().toSorted()).toEqual(expected.toSorted())
  const store = localStore(directory)
  const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)
  const owners = await Promise.all(expected.map(async (key) => decode(await store.get(key))))
  expect(owners).toEqual(expected.map((key) => `racer ${won.findIndex((keys) => keys.includes(key))}`))
  // It was a race: no process came first everywhere.
  expect(Math.max(...won.map((keys) => keys.length))).toBeLessThan(KEYS)
})

test('a process that is killed leaves what it acknowledged, and nothing that is half', async () => {
  const acknowledged: string[] = []
  for (let round = 0; round < 3; round++) {
    const writer = start('write', directory, `round ${round}`)
    const exited = once(writer, 'exit')
    const lines = linesOf(writer)
    for (let count = 1; ; count++) {
      const line = await lines.next()
      if (line.done) break
      acknowledged.push(line.value)
      // In the middle of one of the next writes.
      if (count === 5) setTimeout(() => writer.kill('SIGKILL'), round)
    }
    await exited
  }
  const store = localStore(directory)
  const found: string[] = []
  for await (const { key, size } of store.list('kill/')) {
    const bytes = await store.get(key)
    expect([key, size, bytes?.every((byte) => byte === bytes[0])]).toEqual([key, 300_000, true])
    found.push(key)
  }
  expect(found).toEqual(expect.arrayContaining(acknowledged))
  expect(found.length - acknowledged.length).toBeLessThanOrEqual(3)
})
