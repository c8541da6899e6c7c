/** A limit on files open at once, so that a thousand parallel calls queue up instead of failing with EMFILE. */

/** Half of the lowest default that is in use (256 on macOS), so that the rest of the program has some too. */
const MAX_OPEN_FILES = 128

const waiting: (() => void)[] = []
let open = 0

/** Runs `body` with one of the process's slots; `body` must not wait for another slot. */
export async function withOpenFile<T>(body: () => Promise<T>): Promise<T> {
  if (open >= MAX_OPEN_FILES) await new Promise<void>((resolve) => waiting.push(resolve))
  else open += 1
  try {
    return await body()
  } finally {
    // A slot is handed over rather than given back, so that nobody overtakes who waits.
    const next = waiting.shift()
    if (next) next()
    else open -= 1
  }
}
