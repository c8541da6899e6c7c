/**
 * A drop is an ordinary commit: beside who appends without a pause, versions come as fast as it finds the newest one. It asks for room, as
 * other such commits do.
 */
import { expect, test } from 'vitest'
import { schema, t } from '../../src/spec/builder.ts'
import { createTable } from '../../src/table/create.ts'
import { dropTable } from '../../src/table/drop.ts'
import { loadTable } from '../../src/table/load.ts'
import { calmWorld, finished } from './throughput.ts'
import { warmed } from './warm.ts'
import { LOCATION } from './world.ts'

test.each([1, 4, 16, 64])('%d writers without a pause', { timeout: 300_000 }, async (writers) => {
  await warmed()
  const world = calmWorld({ seed: 1, requestMs: 40 })
  const create = { ...world.process('creator').open, schema: schema({ writer: t.int }) }
  await finished(world, createTable(LOCATION, create))
  const work = async (writer: number): Promise<unknown> => {
    const table = await loadTable(LOCATION, world.process(`writer ${writer}`).open)
    try {
      for (;;) await table.append([{ writer }], { timeoutMs: 3_600_000 })
    } catch (error) {
      return error
    }
  }
  const drop = async (): Promise<number> => {
    const { open } = world.process('dropper')
    await world.scheduler.sleep(5_000)
    const beganMs = world.nowMs
    let createdMs = Infinity
    await dropTable(LOCATION, { ...open, onProgress: () => (createdMs = Math.min(createdMs, world.nowMs)) })
    return createdMs - beganMs
  }
  const ends = Array.from({ length: writers }, (_, i) => work(i))
  const [tookMs, ...errors] = await finished(world, Promise.all([drop(), ...ends]))
  expect(tookMs).toBeLessThan(4_000)
  for (const error of errors) expect(error).toMatchObject({ code: 'not-found' })
})
