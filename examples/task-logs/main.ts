/** Logs of workflow tasks: each try of each task appends its own lines as it ends, all at once. Then the questions one asks of them. */
import { and, createTable, day, eq, gte, schema, t } from 'datashard'

const location = process.argv[2] ?? './task-logs-table'
const taskLogs = schema({
  dag: t.string,
  task: t.string,
  run: t.string,
  try: t.int,
  state: t.string,
  started: t.timestamptz,
  seconds: t.double,
  message: t.optional(t.string),
})
await using logs = await createTable(location, { schema: taskLogs, partitionBy: [day('started')], ifNotExists: true })

/** What a worker does when a try ends. The key makes it harmless that the scheduler starts the reporting again. */
async function report(dag: string, task: string, run: string, attempt: number, failed: boolean): Promise<void> {
  const state = failed ? 'failed' : 'success'
  const seconds = 10 * task.length + attempt
  const row = {
    dag,
    task,
    run,
    try: attempt,
    state,
    started: `${run}T02:00:00Z`,
    seconds,
    message: failed ? 'timed out' : null,
  }
  await logs.append([row], { idempotencyKey: `${dag}/${task}/${run}/${attempt}` })
}

const work: Promise<void>[] = []
for (const run of ['2026-11-23', '2026-11-24', '2026-11-25']) {
  for (const task of ['extract', 'transform', 'load']) {
    const fails = task === 'load' && run === '2026-11-25'
    work.push(report('sales', task, run, 1, fails))
    if (fails) work.push(report('sales', task, run, 2, false), report('sales', task, run, 1, fails))
  }
}
await Promise.all(work)
await logs.refresh()

const failed = await logs.scan({ where: eq('state', 'failed'), select: ['task', 'run', 'try', 'message'] }).toArray()
console.log('failed tries', failed)

const lastDay = and(gte('started', '2026-11-25T00:00:00Z'), eq('dag', 'sales'))
const plan = await logs.scan({ where: lastDay }).plan()
console.log('tries of the last day', await logs.scan({ where: lastDay }).count())
console.log('files that are not of that day and not read', plan.stats.filesTotal - plan.tasks.length > 0)

const longest = new Map<string, number>()
for await (const { task, seconds } of logs.scan({ select: ['task', 'seconds'] })) {
  longest.set(task, Math.max(seconds, longest.get(task) ?? 0))
}
console.log('longest try by task', Object.fromEntries([...longest].toSorted()))
