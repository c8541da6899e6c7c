/** Rows one by one out of blocks of them. */
import { throwIfAborted } from '../errors.ts'

/**
 * An iterator that answers from the block at hand without going through a generator for each row: that alone would take
 * longer than making the rows.
 */
export function iterateBlocks<R>(
  blocks: AsyncGenerator<readonly R[]>,
  signal: AbortSignal | undefined,
): AsyncIterator<R> {
  let block: readonly R[] = []
  let at = 0
  let pending: Promise<IteratorResult<R>> | undefined

  const take = async (): Promise<IteratorResult<R>> => {
    if (signal?.aborted) {
      await blocks.return(undefined)
      throwIfAborted(signal, 'the scan')
    }
    while (at >= block.length) {
      const next = await blocks.next()
      if (next.done === true) return { done: true, value: undefined }
      block = next.value
      at = 0
    }
    return { done: false, value: block[at++]! }
  }
  return {
    next: () => {
      if (pending === undefined && at < block.length && !signal?.aborted)
        return Promise.resolve({ done: false, value: block[at++]! })
      // Calls that do not wait for the one before are answered in order, as a generator does.
      const result = pending === undefined ? take() : pending.then(take, take)
      pending = result
      const settle = () => {
        if (pending === result) pending = undefined
      }
      result.then(settle, settle)
      return result
    },
    return: async () => {
      block = []
      await blocks.return(undefined)
      return { done: true, value: undefined }
    },
  }
}
