/** The input: three million US flights, a Parquet file of the npm package `vega-datasets`. */
import { join } from 'node:path'
import { schema, t } from 'datashard'

// The package exports its code only; the data lies beside it.
export const FLIGHTS_FILE = join(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet')

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
