/** The rows of the benches: task logs, the use case of the Python package, made from a seed so that every run has the same. */

const STATUS = ['success', 'success', 'success', 'failed', 'running', 'skipped']
const ERRORS = [
  'timeout after 30 s',
  'connection reset by peer',
  'out of memory',
  'assertion failed: expected 3, got 4',
]
const START_MS = Date.UTC(2026, 0, 1)

/** One row; `index` decides everything. `longs` says whether 64-bit columns are bigint or number. */
export function taskLog(index, longs = Number) {
  const mixed = Math.imul(index ^ (index >>> 16), 0x45d9f3b) >>> 0
  const status = STATUS[mixed % STATUS.length]
  const duration = mixed % 600_000
  const started = START_MS + index * 37
  return {
    task_id: `task-${index.toString(16).padStart(10, '0')}`,
    workflow_id: `workflow-${mixed % 1000}`,
    status,
    started_at: new Date(started),
    completed_at: new Date(started + duration),
    duration_ms: longs(duration),
    error_message: status === 'failed' ? ERRORS[mixed % ERRORS.length] : null,
    worker_id: `worker-${mixed % 64}.eu-central-1.compute.internal`,
  }
}

export function taskLogs(count, longs = Number) {
  return Array.from({ length: count }, (_, index) => taskLog(index, longs))
}

export async function* streamTaskLogs(count) {
  for (let index = 0; index < count; index++) yield taskLog(index)
}

/** The Iceberg schema, for everybody. */
export const TASK_LOGS = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'task_id', type: 'string', required: true },
    { id: 2, name: 'workflow_id', type: 'string', required: true },
    { id: 3, name: 'status', type: 'string', required: true },
    { id: 4, name: 'started_at', type: 'timestamptz', required: true },
    { id: 5, name: 'completed_at', type: 'timestamptz', required: false },
    { id: 6, name: 'duration_ms', type: 'long', required: false },
    { id: 7, name: 'error_message', type: 'string', required: false },
    { id: 8, name: 'worker_id', type: 'string', required: false },
  ],
}
