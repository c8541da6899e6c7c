/** The input: three million US flights, a Parquet file of the npm package `vega-datasets`. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { schema, t } from 'datashard'

export const FLIGHTS_FILE = join(
  dirname(createRequire(import.meta.url).resolve('vega-datasets/package.json')),
  'data/flights-3m.parquet',
)

export const WRITERS = 4

export const flights = schema({
  date: t.optional(t.timestamp),
  delay: t.optional(t.long),
  distance: t.optional(t.long),
  origin: t.optional(t.string),
  destination: t.optional(t.string),
})

/** Where the table is: a directory of the clone, or what DATASHARD_DEMO_LOCATION or the MinIO of the demo says. */
export function flightsLocation(): string {
  const location = process.env['DATASHARD_FLIGHTS_LOCATION']
  if (location === undefined) throw new Error('DATASHARD_FLIGHTS_LOCATION is not set')
  return location
}
