/**
 * The first read of a process, which pays for loading and compiling, and the median of three after it. `fromStartMs` is the time from
 * before the process was started to the end of the first read: what a script waits for, whatever is loaded when.
 */
export async function timeReads(rows, read) {
  const times = []
  let fromStartMs
  for (let i = 0; i < 4; i++) {
    const started = performance.now()
    const found = await read()
    times.push(Math.round(performance.now() - started))
    fromStartMs ??= Date.now() - Number(process.env.BENCH_STARTED_MS)
    if (found !== rows) throw new Error(`${found} rows came back`)
  }
  const [firstMs, ...later] = times
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024)
  return { fromStartMs, firstMs, thenMs: later.toSorted((a, b) => a - b)[1], peakMb }
}
