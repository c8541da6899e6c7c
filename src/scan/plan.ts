/** From a snapshot and a predicate to the files that may hold matching rows. */
import type { PlanRequest, ScanPlan, TaskStream } from './task.ts'

/** The tasks of a scan, all at once. Requests: one manifest list, and each manifest that may matter. */
export async function planScan(_request: PlanRequest): Promise<ScanPlan> {
  throw new Error('in the making')
}

/** As {@link planScan}, one task after the other. */
export function streamTasks(_request: PlanRequest): TaskStream {
  throw new Error('in the making')
}
