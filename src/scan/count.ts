/** How many rows there are, reading as little as that takes. */
import { countByManifestList, streamTasks } from './plan.ts'
import { fieldsToRead } from './projection.ts'
import type { ReadWishes, TaskSource } from './read.ts'
import { readBatches } from './read.ts'

/**
 * All rows are counted by the manifest list alone. With a filter, files and row groups of which every row matches are
 * counted by their metadata; of others the filter's columns are read.
 */
export async function countRows(wishes: ReadWishes): Promise<number> {
  const { limit } = wishes
  const { schema, predicate } = wishes.request
  const all = await countByManifestList(wishes.request)
  if (all !== undefined) return Math.min(Number(all), limit)
  const columns = predicate === undefined ? [] : fieldsToRead(schema, [], predicate)
  let count = 0
  const unsure: TaskSource = async function* (request) {
    for await (const task of streamTasks(request)) {
      if (task.residual.op === 'true') count += Number(task.dataFile.recordCount)
      else yield task
      if (count >= limit) return
    }
  }
  const request = { ...wishes.request, columns }
  const counts = readBatches(
    { ...wishes, request, fields: [] },
    (batch, selected) => selected?.length ?? batch.length,
    unsure,
  )
  for await (const matched of counts) {
    count += matched
    if (count >= limit) break
  }
  return Math.min(count, limit)
}
