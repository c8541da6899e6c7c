import { day, schema, t } from 'datashard'

/** The table of the example: what to create where it is missing. */
export const EVENTS = {
  schema: schema({ id: t.string, at: t.timestamptz, kind: t.optional(t.string), amount: t.optional(t.decimal(12, 2)) }),
  partitionBy: [day('at')],
}
