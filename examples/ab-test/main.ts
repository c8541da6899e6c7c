/** An A/B test: services append exposures and conversions as they happen; the result is computed from one state of the table. */
import { createTable, eq, identity, schema, t } from 'datashard'

const location = process.argv[2] ?? './ab-test-table'
await using events = await createTable(location, {
  schema: schema({ experiment: t.string, variant: t.string, user: t.long, kind: t.string }),
  partitionBy: [identity('experiment')],
  ifNotExists: true,
})

/** Each service sends its own batches. One is sent again after a timeout: same key, no second effect. */
const batches: { key: string; rows: { experiment: string; variant: string; user: number; kind: string }[] }[] = []
for (let service = 0; service < 4; service++) {
  const rows = Array.from({ length: 500 }, (_, index) => {
    const user = service * 500 + index
    const variant = user % 2 === 0 ? 'control' : 'green-button'
    const converts = variant === 'control' ? user % 10 === 0 : user % 7 === 0
    const exposed = { experiment: 'checkout', variant, user, kind: 'exposure' }
    return converts ? [exposed, { ...exposed, kind: 'conversion' }] : [exposed]
  }).flat()
  batches.push({ key: `service-${service}`, rows })
}
await Promise.all([...batches, batches[0]!].map(({ key, rows }) => events.append(rows, { idempotencyKey: key })))

await events.refresh()
const counts = new Map<string, { exposure: number; conversion: number }>()
for await (const { variant, kind } of events.scan({
  where: eq('experiment', 'checkout'),
  select: ['variant', 'kind'],
})) {
  const count = counts.get(variant) ?? { exposure: 0, conversion: 0 }
  count[kind as 'exposure' | 'conversion'] += 1
  counts.set(variant, count)
}
const [a, b] = ['control', 'green-button'].map((variant) => counts.get(variant)!)
const [p, q] = [a!, b!].map(({ conversion, exposure }) => conversion / exposure)
const pooled = (a!.conversion + b!.conversion) / (a!.exposure + b!.exposure)
const z = (q! - p!) / Math.sqrt(pooled * (1 - pooled) * (1 / a!.exposure + 1 / b!.exposure))
console.log('control', a, 'green-button', b)
console.log(`lift ${((q! / p! - 1) * 100).toFixed(1)} %, z ${z.toFixed(2)}`)
