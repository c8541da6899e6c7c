/** MinIO whose disk fills up: a real one, on a disk of its own of 100 MB in memory. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'minio'
import { expect, onTestFinished, test } from 'vitest'
import { createTable, DataShardError, loadTable } from '../../src/index.ts'
import { verifyTable } from '../../src/table/verify.ts'
import { startMinioOnDiskOf } from '../support/minio.ts'
import { minioClient, people, s3Options } from '../support/tables.ts'

const TIMEOUT_MS = 120_000
const MB = 1_000_000
const WRITERS = 4

/** Rows that take about a megabyte, however they are compressed. */
function megabyte(firstId: number) {
  return Array.from({ length: 2_000 }, (_, i) => ({ id: firstId + i, name: randomBytes(500).toString('base64') }))
}

/** Objects of this size until one is refused, or `most` are there. @returns how many are. */
async function fill(client: Client, size: number, most = 200): Promise<number> {
  for (let n = 0; n < most; n++) {
    const isThere = await client.putObject('full', `filler/${size}-${n}`, randomBytes(size)).then(
      () => true,
      () => false,
    )
    if (!isThere) return n
  }
  return most
}

test(
  'a full disk under MinIO: a clear error, nothing lost, and all is well when there is room again',
  async ({ skip }) => {
    const s3 = await startMinioOnDiskOf(100 * MB)
    if (typeof s3 === 'string') return skip(s3)
    onTestFinished(() => s3.stop())
    const client = minioClient(s3)
    await client.makeBucket('full')
    const location = 's3://full/t'
    await using table = await createTable(location, { schema: people, s3: s3Options(s3) })
    // The library's own appends are what fills the last megabytes: some are refused before they are sent, some in the middle.
    const large = await fill(client, 8 * MB)
    expect(large).toBeGreaterThan(5)
    expect(large).toBeLessThan(20)
    let acknowledged = 0
    let failure: unknown
    while (failure === undefined && acknowledged < 50) {
      const appended = table.append(megabyte(acknowledged * 2_000), { timeoutMs: 20_000 })
      failure = await appended.then(
        () => undefined,
        (error: unknown) => error,
      )
      if (failure === undefined) acknowledged++
    }
    for (const size of [MB, MB / 10, MB / 100]) await fill(client, size)

    const writers = await Promise.all(Array.from({ length: WRITERS }, () => loadTable(location, { s3: s3Options(s3) })))
    const appendAll = () =>
      Promise.allSettled(
        writers.map((writer, i) =>
          writer.append([{ id: -1 - i, name: 'keyed' }], { idempotencyKey: `key-${i}`, timeoutMs: 20_000 }),
        ),
      )
    const refused = (await appendAll()).map((result) => (result.status === 'rejected' ? result.reason : result.value))
    for (const error of [failure, ...refused]) {
      expect(DataShardError.is(error, 'unavailable'), String(error)).toBe(true)
      expect(String(error)).toMatch(/disks of the store are full|whether its disks are full/)
      expect(String(error)).toContain('s3://full/t/')
    }
    // Reading needs no room.
    expect(await table.scan().count()).toBe(acknowledged * 2_000)
    expect(await table.scan().toArray()).toHaveLength(acknowledged * 2_000)

    await client.removeObjects('full', await keysUnder(client, 'filler/'))
    await roomFor(client, MB)
    const landed = await appendAll()
    expect(landed.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))).toEqual([])
    await table.refresh()
    const ids = (await table.scan().toArray()).map((row) => Number(row.id)).toSorted((a, b) => a - b)
    expect(ids).toEqual(Array.from({ length: WRITERS + acknowledged * 2_000 }, (_, i) => i - WRITERS))
    expect((await verifyTable(location, { s3: s3Options(s3), deep: true })).problems).toEqual([])
    await Promise.all(writers.map((writer) => writer.close()))
  },
  TIMEOUT_MS,
)

/** MinIO empties its trash by and by. */
async function roomFor(client: Client, size: number): Promise<void> {
  for (let n = 0; (await fill(client, size, 1)) === 0; n++) {
    if (n > 100) throw new Error('the disk stays full')
    await sleep(200)
  }
}

async function keysUnder(client: Client, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const item of client.listObjectsV2('full', prefix, true)) keys.push((item as { name: string }).name)
  return keys
}
