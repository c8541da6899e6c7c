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

test(`of ${PROCESSES} processes that create one key at once, exactly one wins, ${KEYS} times`, async () => {
  const racers = Array.from({ length: PROCESSES }, (_, i) => start('race', directory, `${i}`))
  const lines = racers.map(linesOf)
  const answers = () => Promise.all(lines.map(async (line) => (await line.next()).value as string))
  expect(await answers()).toEqual(racers.map(() => 'ready'))

  const store = localStore(directory)
  const winners = new Set<number>()
  for (let round = 0; round < KEYS; round++) {
    const key = `race/${round}`
    // Somebody else is told first each time: on a busy machine that one often wins.
    for (let i = 0; i < PROCESSES; i++) racers[(round + i) % PROCESSES]!.stdin!.write(`${key}\n`)
    const outcomes = await answers()
    expect(outcomes.toSorted()).toEqual([...Array<string>(PROCESSES - 1).fill('precondition-failed'), 'written'])
    const winner = outcomes.indexOf('written')
    expect(new TextDecoder().decode(await store.get(key))).toBe(`${winner}`)
    winners.add(winner)
  }
  expect(winners.size).toBeGreaterThan(1)
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
