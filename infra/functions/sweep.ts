/** The scheduled maintenance: sweeps every table, and fails in the end if one of them could not be swept. */
import { sweep } from 'datashard/maintenance'
import { tablesOf } from './environment.ts'

/** What is kept back of the function's time to say how it ended. */
const MARGIN_MS = 10_000

interface Context {
  getRemainingTimeInMillis(): number
}

export async function handler(_event: unknown, context: Context): Promise<object[]> {
  const results: object[] = []
  const failures: unknown[] = []
  for (const location of tablesOf('DATASHARD_TABLES')) {
    const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS))
    try {
      const result = await sweep(location, { signal })
      console.log(JSON.stringify({ swept: result }))
      results.push(result)
    } catch (error) {
      // A table that nobody has created yet needs no sweep, and must not keep the others from theirs.
      if ((error as { code?: unknown }).code === 'not-found') continue
      console.error(JSON.stringify({ location, error: String(error) }))
      failures.push(error)
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} tables could not be swept: ${failures.join('; ')}`)
  return results
}
