/** A scan of the newest version that a handle knows of, which is read only when rows are asked for. */
import type { ArrowRecordBatch, ArrowTable, Scan } from '../scan/scan.ts'
import type { ScanPlan } from '../scan/task.ts'
import type { Schema } from '../spec/types.ts'

/**
 * @param open reads the newest version, and gives the scan of it
 * @param known a scan of what was read already, for what can be said at once
 */
export function latestScan<R>(open: () => Promise<Scan<R>>, known: () => Scan<R>): Scan<R> {
  return new LatestScan(open, known)
}

class LatestScan<R> implements Scan<R> {
  readonly #open: () => Promise<Scan<R>>
  readonly #known: () => Scan<R>
  #opened: Promise<Scan<R>> | undefined

  constructor(open: () => Promise<Scan<R>>, known: () => Scan<R>) {
    this.#open = open
    this.#known = known
  }

  /** All forms of one scan show one state. */
  #scan(): Promise<Scan<R>> {
    return (this.#opened ??= this.#open())
  }

  get schema(): Schema {
    return this.#known().schema
  }

  async *[Symbol.asyncIterator](): AsyncIterator<R> {
    yield* await this.#scan()
  }

  async toArray(): Promise<R[]> {
    return (await this.#scan()).toArray()
  }

  async toArrow(): Promise<ArrowTable> {
    return (await this.#scan()).toArrow()
  }

  async *batches(): AsyncGenerator<ArrowRecordBatch> {
    yield* (await this.#scan()).batches()
  }

  async count(): Promise<number> {
    return (await this.#scan()).count()
  }

  async plan(): Promise<ScanPlan> {
    return (await this.#scan()).plan()
  }
}
