/** The measured part of a client in JavaScript, ours or a peer's: all its writers at once, each one append after the other. */
import { startWork } from '../support/in-child.ts'
import type { ClientReport } from './job.ts'

export async function measureAppends<W>(
  writers: readonly W[],
  appends: number,
  append: (writer: W, b: bigint) => Promise<unknown>,
): Promise<ClientReport> {
  const work = startWork()
  const times: number[] = []
  let failed = 0
  let failure: string | undefined
  await Promise.all(
    writers.map(async (writer) => {
      for (let i = 0; i < appends; i++) {
        const startedMs = performance.now()
        try {
          await append(writer, BigInt(i))
          times.push(performance.now() - startedMs)
        } catch (error) {
          failed += 1
          failure ??= String(error)
        }
      }
    }),
  )
  return { times, failed, failure, ...work() }
}
