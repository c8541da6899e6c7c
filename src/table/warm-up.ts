/** Work that an append will need soon, begun while the first requests are on their way. */
import { loadParquetWasm } from '../codec/wasm.ts'

/** Starts loading the Parquet encoder and does not wait; a failure shows at the first use instead. */
export function warmUp(): void {
  loadParquetWasm().catch(() => undefined)
}
