import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ID_LENGTH, newIntentId } from '../../src/commit/intent-id.ts'
import {
  advance,
  checkWindow,
  EMPTY_LEDGER,
  foldedIn,
  formatLedger,
  isCancelled,
  type Ledger,
  ledgerOn,
  MAX_LEDGER_BYTES,
  parseLedger,
  roomFor,
  WINDOW,
} from '../../src/commit/ledger.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const runtime = virtualRuntime(7)
const ids = (n: number) => Array.from({ length: n }, () => newIntentId(runtime))
const id = fc.stringMatching(/^[0-9a-v]{16}$/)
const entries = fc.array(
  fc.record({ snapshotId: fc.bigInt(0n, 2n ** 63n - 1n), folded: fc.array(id), cancelled: fc.array(id) }),
  { maxLength: 20 },
)

describe('ledger', () => {
  test('what is written is read again, whatever it holds', () => {
    fc.assert(
      fc.property(entries, fc.nat(1_000), (added, from) => {
        let ledger: Ledger = { ...EMPTY_LEDGER, floor: from }
        added.forEach((entry, i) => (ledger = advance(ledger, from + i + 1, entry)))
        expect(parseLedger(formatLedger(ledger))).toEqual(ledger)
      }),
    )
  })

  test('needs no escapes in JSON, so that the first bytes of a version can be searched', () => {
    const ledger = advance(EMPTY_LEDGER, 1, { snapshotId: 5n, folded: ids(2), cancelled: ids(1) })
    const text = formatLedger(ledger)
    expect(JSON.stringify(text)).toBe(`"${text}"`)
  })

  test('an id is remembered for as many versions as the window has, and not one longer', () => {
    const [one] = ids(1)
    let ledger = advance(EMPTY_LEDGER, 10, { snapshotId: 1n, folded: [one!], cancelled: [] })
    for (let version = 11; version <= 10 + WINDOW - 1; version++) {
      ledger = advance(ledger, version)
      expect(foldedIn(ledger, one!)).toMatchObject({ version: 10, snapshotId: 1n })
    }
    expect(foldedIn(advance(ledger, 10 + WINDOW), one!)).toBeUndefined()
  })

  test('folded and cancelled are told apart', () => {
    const [folded, cancelled] = ids(2)
    const ledger = advance(EMPTY_LEDGER, 1, { snapshotId: 1n, folded: [folded!], cancelled: [cancelled!] })
    expect([foldedIn(ledger, folded!)?.version, isCancelled(ledger, folded!)]).toEqual([1, false])
    expect([foldedIn(ledger, cancelled!), isCancelled(ledger, cancelled!)]).toEqual([undefined, true])
  })

  test('a table without a ledger gets one that knows nothing before the head', () => {
    expect(ledgerOn(undefined, 41)).toEqual({ window: WINDOW, floor: 41, entries: [] })
  })

  test.each([
    '',
    'x',
    '1 16',
    '1 16 0|',
    '1 16 0|5',
    '1 16 0|5,1,short',
    '1 16 0|5,1,|6,1,',
    '1 16 0|5,1,|5,1,',
    '1 16 0|x5,1,',
    'x1 16 0',
    '1 16 0x',
    '1 16 0|5,1,UPPERCASE0000000',
  ])('text that is no ledger is none: %j', (text) => expect(parseLedger(text)).toBeUndefined())

  test('the ledger of a newer version is refused, not ignored', () => {
    expect(() => parseLedger('2 16 0')).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  test('there is room for one append always, and the ledger never outgrows its limit by more than that', () => {
    let ledger = EMPTY_LEDGER
    for (let version = 1; version <= 40; version++) {
      const room = roomFor(ledger, version)
      expect(room).toBeGreaterThanOrEqual(1)
      ledger = advance(ledger, version, { snapshotId: 2n ** 62n, folded: ids(Math.min(room, 1_000)), cancelled: [] })
      expect(formatLedger(ledger).length).toBeLessThanOrEqual(MAX_LEDGER_BYTES + WINDOW * (ID_LENGTH + 40))
    }
  })

  test('a table with another window is refused, one without a ledger or with ours is not', () => {
    const other = { ...EMPTY_LEDGER, window: WINDOW + 1 }
    expect(() => checkWindow(other, 't')).toThrow(expect.objectContaining({ code: 'unsupported' }))
    checkWindow(undefined, 't')
    checkWindow(EMPTY_LEDGER, 't')
  })
})
