/** Maintenance: what a table needs now and then, never on the way of an append. */
export { sweep } from './sweep.ts'
export type { SweepOptions, SweepProgress, SweepResult, SweptKind } from './sweep.ts'
export type { SweepAges } from './ages.ts'
