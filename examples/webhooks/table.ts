/** The table that all processes of the demo share. */
import { resolve } from 'node:path'
import { bucket, schema, t } from 'datashard'

export const WRITERS = 8

export const deliveries = schema({
  id: t.int,
  event: t.string,
  action: t.optional(t.string),
  repository: t.optional(t.string),
  sender: t.optional(t.struct({ login: t.string, id: t.long })),
  labels: t.optional(t.list(t.struct({ name: t.string, color: t.string }))),
  payload: t.string,
  receivedAt: t.timestamptz,
  writer: t.string,
})

export const partitionBy = [bucket('event', 4)]

/** `demo-table/` in the clone, or any location by DATASHARD_DEMO_LOCATION. */
export function demoLocation(): string {
  return process.env['DATASHARD_DEMO_LOCATION'] ?? resolve(import.meta.dirname, '../../demo-table')
}
