/** A thread takes work only when it has started, which no test must depend on. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `isReady` says so; fails after 20 s. */
export async function sideThreadReady(isReady: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (isReady()) return
    await sleep(20)
  }
  throw new Error('the thread did not start')
}
