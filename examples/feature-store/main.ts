/** A feature store: features as they were known when a label's event happened, so that no model learns from the future. */
import { and, createTable, isIn, lte, schema, t } from 'datashard'

const location = process.argv[2] ?? './features-table'
await using features = await createTable(location, {
  schema: schema({ user: t.long, orders_30d: t.int, known_at: t.timestamptz, computed_at: t.timestamptz }),
  ifNotExists: true,
})
/** Jobs append what they compute; nothing is updated. */
const nightly = { computed_at: '2026-11-16T03:00:00Z' }
await features.append([
  { user: 1, orders_30d: 2, known_at: '2026-11-01T00:00:00Z', ...nightly },
  { user: 2, orders_30d: 0, known_at: '2026-11-01T00:00:00Z', ...nightly },
])
await features.append([
  { user: 1, orders_30d: 5, known_at: '2026-11-10T00:00:00Z', ...nightly },
  { user: 2, orders_30d: 1, known_at: '2026-11-15T00:00:00Z', ...nightly },
])
const trained = features.currentSnapshot()!.snapshotId
// A late correction. It changes what is known now, and not what the model was trained on.
await features.append([
  { user: 1, orders_30d: 4, known_at: '2026-11-10T00:00:00Z', computed_at: '2026-11-20T09:00:00Z' },
])

interface Label {
  readonly user: number
  readonly at: string
}

/** For each label, the newest features that were known at its time; of two for one moment, the one that was computed last. */
async function featuresFor(labels: readonly Label[], snapshotId?: bigint) {
  const latest = labels
    .map(({ at }) => at)
    .toSorted()
    .at(-1)!
  const where = and(isIn('user', [...new Set(labels.map(({ user }) => user))]), lte('known_at', latest))
  const state = snapshotId === undefined ? features : features.timeTravel({ snapshotId })
  const rows = (await state.scan({ where }).toArray()).toSorted(
    (a, b) => Number(a.known_at) - Number(b.known_at) || Number(a.computed_at) - Number(b.computed_at),
  )
  return labels.map(({ user, at }) => {
    const known = rows.filter((row) => Number(row.user) === user && Number(row.known_at) <= Date.parse(at))
    return { user, at, orders_30d: known.at(-1)?.orders_30d ?? null }
  })
}

const labels = [
  { user: 1, at: '2026-11-05T12:00:00Z' },
  { user: 1, at: '2026-11-12T12:00:00Z' },
  { user: 2, at: '2026-11-12T12:00:00Z' },
  { user: 2, at: '2026-10-01T00:00:00Z' },
]
console.log(
  'as the model was trained',
  (await featuresFor(labels, trained)).map((one) => one.orders_30d),
)
await features.refresh()
console.log(
  'as it would be today',
  (await featuresFor(labels)).map((one) => one.orders_30d),
)
