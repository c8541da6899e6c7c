/**
 * Cold start: process start to the first committed append, and its parts in milliseconds, as one line of JSON. `requests` is the time
 * with at least one of them under way; `wasm` goes on beside them.
 */
import { subscribe } from 'node:diagnostics_channel'

const node = performance.now()
const wasm = watchCompile()
const wire = watchRequests()
const { loadTable } = await import('datashard')
const imported = performance.now()
const table = await loadTable(process.argv[2])
const loaded = performance.now()
await table.append([{ a: 1n, b: 2n }])
const total = performance.now()
const { user, system } = process.cpuUsage()
const figures = {
  total,
  node,
  import: imported - node,
  credentials: wire.firstMs === undefined ? 0 : wire.firstMs - imported,
  requests: wire.busyMs,
  wasm: wasm.ms,
  load: loaded - imported,
  append: total - loaded,
  cpu: (user + system) / 1000,
  count: wire.count,
}
await table.close()
console.log(JSON.stringify(figures))

function watchCompile() {
  const watched = { ms: 0 }
  const { compile } = WebAssembly
  WebAssembly.compile = async (bytes) => {
    const startedMs = performance.now()
    try {
      return await compile(bytes)
    } finally {
      watched.ms += performance.now() - startedMs
    }
  }
  return watched
}

function watchRequests() {
  const watched = { count: 0, busyMs: 0, firstMs: undefined }
  let underWay = 0
  let busySinceMs = 0
  subscribe('http.client.request.start', () => {
    const now = performance.now()
    watched.firstMs ??= now
    watched.count += 1
    if (underWay++ === 0) busySinceMs = now
  })
  subscribe('http.client.response.finish', () => {
    if (--underWay === 0) watched.busyMs += performance.now() - busySinceMs
  })
  return watched
}
