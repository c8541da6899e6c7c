/** The first read of a process, which pays for loading and compiling, and the median of three after it. */
export async function timeReads(rows, read) {
  const times = []
  for (let i = 0; i < 4; i++) {
    const started = performance.now()
    const found = await read()
    times.push(Math.round(performance.now() - started))
    if (found !== rows) throw new Error(`${found} rows came back`)
  }
  const [firstMs, ...later] = times
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024)
  return { firstMs, thenMs: later.toSorted((a, b) => a - b)[1], peakMb }
}
