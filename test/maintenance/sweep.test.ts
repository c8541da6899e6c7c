import { describe, expect, test } from 'vitest'
import { WINDOW } from '../../src/commit/ledger.ts'
import { parseVersionName } from '../../src/commit/version.ts'
import { alwaysTrue } from '../../src/spec/expressions.ts'
import { sweep } from '../../src/maintenance/index.ts'
import { diagnose } from '../../src/table/doctor.ts'
import { dropTable } from '../../src/table/drop.ts'
import { verifyTable } from '../../src/table/verify.ts'
import { collect, person } from '../support/tables.ts'
import { DAY_MS, HOUR_MS, idsIn, LOCATION, newWorld, THINNED } from './moved-clock.ts'
import type { World } from './moved-clock.ts'

async function appendEach({ table }: World, from: number, to: number): Promise<void> {
  for (let id = from; id < to; id++) await table.append([person(id)])
  await table.flush()
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

async function versionsIn(world: World): Promise<number[]> {
  const found = (await world.names('metadata/v')).flatMap((name) => parseVersionName(name)?.version ?? [])
  return found.toSorted((a, b) => a - b)
}

describe('versions', () => {
  test('those below the window go a day after they were superseded, not before', async () => {
    const world = await newWorld()
    await appendEach(world, 0, 40)
    world.pass(DAY_MS - HOUR_MS)
    expect((await world.sweep()).versions.objects).toBe(0)
    world.pass(2 * HOUR_MS)
    const result = await world.sweep()
    expect(result).toMatchObject({ version: 41, versions: { objects: 24 }, archivedLedgers: 24 })
    expect(result.versions.bytes).toBeGreaterThan(24 * 1000)
    const left = await versionsIn(world)
    expect([left[0], left.at(-1)]).toEqual([41 - WINDOW, 41])
    expect(await idsIn(await world.open())).toEqual(upTo(40))
    expect(await world.names('metadata/_ds/ledger/')).toEqual(['metadata/_ds/ledger/0000000001-0000000018'])
  })

  test('a hint that lies behind is raised first; one that cannot be raised protects what is above it', async () => {
    const world = await newWorld()
    await appendEach(world, 0, 40)
    await world.put('metadata/version-hint.text', '20')
    world.pass(2 * DAY_MS)
    world.store.rule = ({ verb, key }) =>
      verb === 'put' && key.endsWith('hint.text') ? new Error('no hint today') : undefined
    expect((await world.sweep()).versions.objects).toBe(20 - WINDOW - 1)
    world.store.rule = () => undefined
    expect((await world.sweep()).versions.objects).toBe(41 - WINDOW - (20 - WINDOW))
    expect(new TextDecoder().decode((await world.store.get('t/metadata/version-hint.text'))!)).toBe('41')
  })

  test('they go last, and only when the raised hint has been there for some seconds', async () => {
    const world = await newWorld(THINNED)
    await appendEach(world, 0, 40)
    world.pass(4 * DAY_MS)
    await world.put('metadata/version-hint.text', '20')
    let raisedMs = Infinity
    const deletions: (readonly [what: string, afterMs: number])[] = []
    world.store.rule = ({ verb, key }) => {
      if (verb === 'put' && key.endsWith('hint.text')) raisedMs = world.runtime.monotonic()
      const what = /\/v\d+\.metadata\.json$/.test(key) ? 'version' : 'file'
      if (verb === 'delete') deletions.push([what, world.runtime.monotonic() - raisedMs])
      return undefined
    }
    await world.sweep()
    const versions = deletions.filter(([what]) => what === 'version')
    expect(versions.length).toBe(24)
    expect(Math.min(...versions.map(([, afterMs]) => afterMs))).toBeGreaterThanOrEqual(5_000)
    expect(deletions.findIndex(([what]) => what === 'version')).toBe(deletions.length - versions.length)
  })

  test('the oldest first, and nothing more when one does not go', async () => {
    const world = await newWorld()
    await appendEach(world, 0, 40)
    world.pass(2 * DAY_MS)
    const inner = world.store.delete.bind(world.store)
    world.store.delete = (keys, options) =>
      inner(
        keys.filter((key) => !key.endsWith('/v3.metadata.json')),
        options,
      )
    await expect(world.sweep()).rejects.toMatchObject({ code: 'unavailable' })
    expect(await idsIn(await world.open())).toEqual(upTo(40))
    world.store.delete = inner
    const again = await world.sweep()
    expect(again).toMatchObject({ versions: { objects: 1 }, archivedLedgers: 0 })
    expect((await versionsIn(world))[0]).toBe(41 - WINDOW)
  })

  test('verify and doctor find nothing wrong with a table that begins above 1, and it goes on', async () => {
    const world = await newWorld()
    await appendEach(world, 0, 40)
    world.pass(2 * DAY_MS)
    await world.sweep()
    const { store, runtime } = world
    const report = await verifyTable(LOCATION, { store, runtime, snapshots: 'all', deep: true })
    expect(report).toMatchObject({ problems: [], snapshots: 40, rows: 40n })
    const findings = await collect(diagnose(LOCATION, { store, runtime }))
    expect(findings.filter(({ status }) => status === 'problem')).toEqual([])
    expect(findings).toContainEqual(expect.objectContaining({ check: 'versions', found: '25 to 41, without gaps' }))
    expect((await world.table.append([person(40)])).version).toBe(42)
  })
})

describe('files that no snapshot names', () => {
  test('manifests and lists of expired snapshots, old uploads; a second sweep finds nothing', async () => {
    const world = await newWorld(THINNED)
    await appendEach(world, 0, 40)
    await world.put('data/0e0e.parquet')
    await world.put('metadata/0e0e-m0.avro')
    await world.put('metadata/snap-1-1-0e0e.avro')
    world.pass(2 * DAY_MS)
    expect((await world.sweep()).orphans.objects).toBe(0)
    world.pass(2 * DAY_MS)
    const result = await world.sweep()
    expect(result.orphans.objects).toBeGreaterThan(3 + 30)
    expect(await world.names('data/0e0e')).toEqual([])
    expect((await verifyTable(LOCATION, { store: world.store, snapshots: 'all', deep: true })).problems).toEqual([])
    expect(await idsIn(await world.open())).toEqual(upTo(40))
    expect(await world.sweep()).toMatchObject({ objects: 0, archivedLedgers: 0, cancelledIntents: 0 })
  })

  test('statistics and what it does not know are left alone, and counted', async () => {
    const world = await newWorld()
    await appendEach(world, 0, 1)
    const others = [
      'data/a.txt',
      'data/x.puffin',
      'metadata/1-x.stats',
      'metadata/y.puffin',
      'metadata/_ds/other/z.avro',
    ]
    for (const name of others) await world.put(name)
    world.pass(30 * DAY_MS)
    expect(await world.sweep()).toMatchObject({ objects: 0, leftAlone: { objects: 5, bytes: 5 } })
    expect(await world.names()).toEqual(expect.arrayContaining(others))
  })

  test('what a snapshot named that was expired less than a day ago stays: somebody may be reading it', async () => {
    const world = await newWorld({
      ...THINNED,
      'datashard.retention.tail-min': '30',
      'datashard.retention.tail-max': '30',
    })
    await appendEach(world, 0, 20)
    const reader = await world.open()
    const old = reader.snapshots()[0]!
    world.pass(5 * DAY_MS)
    await appendEach(world, 20, 60)
    expect((await world.open()).snapshots().some((one) => one.snapshotId === old.snapshotId)).toBe(false)
    world.pass(DAY_MS - HOUR_MS)
    await world.sweep()
    expect(await reader.timeTravel({ snapshotId: old.snapshotId }).scan().count()).toBe(1)
    expect(await reader.timeTravel({ snapshotId: old.snapshotId }).scan().toArray()).toHaveLength(1)
    world.pass(5 * DAY_MS)
    expect((await world.sweep()).orphans.objects).toBeGreaterThan(0)
  })

  test('a sweep that slept while another one went further deletes nothing, and does not take that for damage', async () => {
    const tail = { 'datashard.retention.tail-min': '30', 'datashard.retention.tail-max': '30' }
    const world = await newWorld({ ...THINNED, ...tail })
    await appendEach(world, 0, 20)
    const old = (await world.open()).snapshots()[0]!
    world.pass(5 * DAY_MS)
    await appendEach(world, 20, 60)
    world.pass(HOUR_MS)
    await world.store.delete([world.store.keyOf(old.manifestList!)!])
    const before = await world.names()
    await expect(world.sweep()).rejects.toMatchObject({ code: 'unavailable' })
    expect(await world.names()).toEqual(before)
    world.pass(5 * DAY_MS)
    expect((await world.sweep()).orphans.objects).toBeGreaterThan(0)
  })

  test('rows that were overwritten stay readable as long as a snapshot has them, and by a tag for ever', async () => {
    const world = await newWorld(THINNED)
    await appendEach(world, 0, 3)
    await world.table.transaction((tx) => tx.setTag('before'))
    await world.table.overwrite(alwaysTrue(), [person(100)])
    await appendEach(world, 101, 120)
    world.pass(10 * DAY_MS)
    await world.sweep()
    const table = await world.open()
    expect(await table.timeTravel({ ref: 'before' }).scan().toArray()).toHaveLength(3)
  })
})

describe('whatever is in doubt stays', () => {
  test.each(['-m0.avro', 'snap-'])('a damaged %s: an error, and nothing is deleted', async (which) => {
    const world = await newWorld()
    await appendEach(world, 0, 40)
    await world.put('data/0e0e.parquet')
    world.pass(20 * DAY_MS)
    const victim = (await world.names('metadata/')).find((name) => name.includes(which))!
    const bytes = (await world.store.get(`t/${victim}`))!
    await world.store.put(`t/${victim}`, bytes.slice(0, bytes.length - 20))
    const before = await world.names()
    await expect(world.sweep()).rejects.toMatchObject({ code: 'corrupt' })
    expect(await world.names()).toEqual(before)
    await world.store.delete([`t/${victim}`])
    await expect(world.sweep()).rejects.toMatchObject({ code: 'corrupt' })
    expect(await world.names()).toEqual(before.filter((name) => name !== victim))
  })

  test('gc.enabled=false, a catalog beside it, a dropped table: refused', async () => {
    const world = await newWorld({ 'gc.enabled': 'false' })
    await expect(world.sweep()).rejects.toMatchObject({ code: 'unsupported' })
    const other = await newWorld()
    await other.put('metadata/00001-0e0e.metadata.json', '{}')
    await expect(other.sweep()).rejects.toMatchObject({ code: 'unsupported' })
    await dropTable(LOCATION, { store: other.store, runtime: other.runtime })
    const left = await other.names()
    other.pass(60 * DAY_MS)
    await expect(other.sweep()).rejects.toMatchObject({ code: 'not-found' })
    expect(await other.names()).toEqual(left)
  })

  test.each([{ versions: HOUR_MS }, { orphans: DAY_MS - 1 }, { claims: 13 * DAY_MS }, { orphans: Number.NaN }])(
    'an age below what is safe: %j',
    async (minAgeMs) => {
      const world = await newWorld()
      await expect(world.sweep({ minAgeMs })).rejects.toMatchObject({ code: 'invalid-argument' })
    },
  )

  test('a dry run changes nothing, and says what the sweep then does', async () => {
    const world = await newWorld(THINNED)
    await appendEach(world, 0, 40)
    await world.put('data/in/hold/0000000000000000')
    world.pass(20 * DAY_MS)
    const before = await world.names()
    const said = await world.sweep({ dryRun: true })
    expect(await world.names()).toEqual(before)
    const done = await world.sweep()
    expect(JSON.parse(JSON.stringify(said))).toEqual({ ...done, dryRun: true, archivedLedgers: 0 })
    expect(done.objects).toBe(before.length + 1 - (await world.names()).length)
    expect(done.inbox.objects).toBe(1)
  })

  test('cancelled: an error, and the next sweep goes on', async () => {
    const world = await newWorld()
    await appendEach(world, 0, 40)
    world.pass(2 * DAY_MS)
    await expect(world.sweep({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    const progress: number[] = []
    const result = await sweep(world.table, { onProgress: ({ deletedObjects }) => progress.push(deletedObjects) })
    expect(result.versions.objects).toBe(24)
    expect(progress.at(-1)).toBe(24)
  })
})
