/** What a version file holds, and what its first bytes say. */
import { describe, expect, test } from 'vitest'
import { decodeVersion, encodeTable, encodeTombstone, leadingFields } from '../../src/commit/document.ts'
import { advance, EMPTY_LEDGER, formatLedger, LEDGER_PROPERTY } from '../../src/commit/ledger.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { commits, START_MS } from '../support/histories.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

const WHERE = 'memory://test/t/metadata/v2.metadata.json'
const UUID = sampleMetadata().tableUuid
const LEDGER = formatLedger(
  advance(EMPTY_LEDGER, 3, { snapshotId: 5n, folded: ['0123456789abcdef'], cancelled: ['0123456789abcdeg'] }),
)
const bytesOf = (json: unknown) => new TextEncoder().encode(typeof json === 'string' ? json : JSON.stringify(json))
const textOf = (metadata: TableMetadata, nonce = 'nonce-1') => new TextDecoder().decode(encodeTable(metadata, nonce))
const jsonOf = (metadata: TableMetadata) => JSON.parse(textOf(metadata)) as Record<string, unknown>

/** A table with a ledger somewhere among its properties. */
const table = (manifestList?: string): TableMetadata => {
  const empty = sampleMetadata({ a: '1', [LEDGER_PROPERTY]: LEDGER, b: '2' })
  if (manifestList === undefined) return empty
  const grown = commits(empty, [START_MS])
  return { ...grown, snapshots: grown.snapshots.map((one) => ({ ...one, manifestList })) }
}

describe('a version of a table', () => {
  test('begins with whose it is, its list and its ledger; the other properties follow', () => {
    const start =
      `{"datashard-commit":{"nonce":"nonce-1","table-uuid":"${UUID}","manifest-list":"snap-1-1-aa.avro"},` +
      `"properties":{"datashard.ledger":"${LEDGER}","a":"1","b":"2"},"`
    expect(textOf(table('memory://test/t/metadata/snap-1-1-aa.avro')).slice(0, start.length)).toBe(start)
    expect(textOf(table()).startsWith(`{"datashard-commit":{"nonce":"nonce-1","table-uuid":"${UUID}"},"prop`)).toBe(
      true,
    )
  })

  test('without a ledger has its other properties there', () => {
    expect(textOf(sampleMetadata({ a: '1' }))).toContain(`"${UUID}"},"properties":{"a":"1"},`)
    expect(jsonOf(sampleMetadata())['properties']).toEqual({})
  })

  test('is read as it was written', () => {
    const metadata = table('memory://test/t/metadata/snap-1.avro')
    const read = decodeVersion(encodeTable(metadata, 'nonce-1'), WHERE)
    expect(read).toMatchObject({ kind: 'table', nonce: 'nonce-1' })
    const { unknown: _commit, ...own } = (read as { metadata: TableMetadata }).metadata
    expect(own).toEqual(metadata)
  })

  test('keeps what others have put into the one before, but not whose that was', () => {
    const metadata = { ...table(), unknown: { 'x-other': [1, { y: true }] } }
    const first = decodeVersion(encodeTable(metadata, 'nonce-1'), WHERE) as { metadata: TableMetadata }
    const second = textOf(first.metadata, 'nonce-2')
    expect(second).not.toContain('nonce-1')
    expect(JSON.parse(second)).toMatchObject({ 'x-other': [1, { y: true }], 'datashard-commit': { nonce: 'nonce-2' } })
  })

  test('of another engine has no nonce, nor has one that only looks like ours', () => {
    const { 'datashard-commit': _own, ...plain } = jsonOf(table())
    for (const commit of [undefined, null, 'nonce-1', ['nonce-1'], {}, { nonce: 7 }]) {
      const version = decodeVersion(bytesOf({ ...plain, 'datashard-commit': commit }), WHERE)
      expect(version, JSON.stringify(commit)).toMatchObject({ kind: 'table', nonce: undefined })
    }
    expect(() => decodeVersion(bytesOf('[]'), WHERE)).toThrow(expect.objectContaining({ code: 'corrupt' }))
    expect(() => decodeVersion(bytesOf('null'), WHERE)).toThrow(expect.objectContaining({ code: 'corrupt' }))
  })

  test('whose uuid is not that of its writer is damaged: it would be appended to again', () => {
    const json = jsonOf(table())
    const other = { ...json, 'table-uuid': '00000000-2f6b-4b6e-9a59-6b7f3f5c0d11' }
    expect(() => decodeVersion(bytesOf(other), WHERE)).toThrow(
      expect.objectContaining({
        code: 'corrupt',
        message: expect.stringContaining(WHERE) as string,
        details: { tableUuid: other['table-uuid'], owner: UUID },
      }),
    )
    for (const commit of [{ nonce: 'n' }, { nonce: 'n', 'table-uuid': 7 }]) {
      expect(decodeVersion(bytesOf({ ...other, 'datashard-commit': commit }), WHERE)).toMatchObject({ nonce: 'n' })
    }
  })
})

describe('a tombstone', () => {
  const json = JSON.parse(
    new TextDecoder().decode(encodeTombstone({ tableUuid: UUID, droppedAtMs: START_MS }, 'nonce-1')),
  ) as Record<string, object>

  test('says of which table it is, since when, and whose commit it was', () => {
    expect(decodeVersion(bytesOf(json), WHERE)).toEqual({
      kind: 'tombstone',
      tombstone: { tableUuid: UUID, droppedAtMs: START_MS },
      nonce: 'nonce-1',
    })
  })

  test('has nothing by which an engine could take it for a table', () => {
    expect(Object.keys(json)).toEqual(['datashard-commit', 'datashard-tombstone'])
  })

  test('that is not complete is damaged', () => {
    const grave = json['datashard-tombstone']!
    const broken = [
      null,
      'x',
      [grave],
      {},
      { ...grave, 'table-uuid': 7 },
      { ...grave, 'table-uuid': undefined },
      { ...grave, 'dropped-at-ms': undefined },
      { ...grave, 'dropped-at-ms': '5' },
      { ...grave, 'dropped-at-ms': 1.5 },
      { ...grave, 'dropped-at-ms': 9e15 },
    ]
    for (const one of broken) {
      expect(() => decodeVersion(bytesOf({ ...json, 'datashard-tombstone': one }), WHERE)).toThrow(
        expect.objectContaining({ code: 'corrupt', message: expect.stringContaining(WHERE) as string }),
      )
    }
  })
})

describe('the first bytes', () => {
  const PATH = 'memory://test/t/metadata/snap-1-1-aa.avro'
  const fields = { nonce: 'nonce-1', tableUuid: UUID, ledger: LEDGER }

  test('of a version say whose it is, its list and its ledger, wherever they end behind that', () => {
    const bytes = encodeTable(table(PATH), 'nonce-1')
    const end = new TextDecoder().decode(bytes).indexOf(LEDGER) + LEDGER.length
    for (const length of [end + 1, end + 2, bytes.length]) {
      expect(leadingFields(bytes.subarray(0, length))).toEqual({ ...fields, manifestList: 'snap-1-1-aa.avro' })
    }
    expect(leadingFields(encodeTable(table(), 'nonce-1'))).toEqual({ ...fields, manifestList: undefined })
  })

  test.for(['a "quoted" name', 'ä.avro', '', 'a\\b', 'with space.avro'])('do not name a list called %j', (name) => {
    expect(leadingFields(encodeTable(table(`memory://test/t/metadata/${name}`), 'nonce-1'))).toEqual({
      ...fields,
      manifestList: undefined,
    })
  })

  test('name a list that has no folder', () => {
    expect(leadingFields(encodeTable(table('list.avro'), 'nonce-1'))).toMatchObject({ manifestList: 'list.avro' })
  })

  test('may end within a character of what follows', () => {
    const metadata = sampleMetadata({ [LEDGER_PROPERTY]: LEDGER, note: 'ä' })
    const bytes = encodeTable(metadata, 'nonce-1')
    const within = bytes.indexOf(0xc3) + 1
    expect(leadingFields(bytes.subarray(0, within))).toMatchObject({ ledger: LEDGER })
  })

  test('are none of a tombstone, of a version without a ledger, of another engine, or not at the beginning', () => {
    const text = textOf(table(PATH))
    const { 'datashard-commit': _own, ...foreign } = jsonOf(table(PATH))
    const others = [
      encodeTombstone({ tableUuid: UUID, droppedAtMs: 5 }, 'nonce-1'),
      encodeTable(sampleMetadata({ a: '1' }), 'nonce-1'),
      bytesOf(foreign),
      bytesOf(` ${text}`),
      bytesOf(text.replace('datashard.ledger', 'datashard_ledger')),
      bytesOf(text.replace('{"datashard-commit":{', '{"datashard-commit":{"x":1,')),
      new Uint8Array(0),
    ]
    for (const bytes of others) expect(leadingFields(bytes)).toBeUndefined()
  })
})
