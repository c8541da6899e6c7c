/** Work that is done ahead of its consumer: several items at once, results in order, bounded in number and weight. */

export interface AheadLimits<T> {
  /** Items under way or done and not yet taken. */
  readonly count: number
  /** The sum of the weights of those items stays below this; one item alone may be heavier. */
  readonly weight?: number
  readonly weigh?: (item: T) => number
}

/** What else becomes of the results. */
export interface AheadOptions<T, U> extends AheadLimits<T> {
  /** Gets each result that was made, or is about to be, and that nobody will ask for any more. */
  readonly abandon?: (result: U) => void
}

/**
 * `run` of each item, in the order of the items. Nothing starts before the first result is asked for; after `return()`,
 * or an error, nothing more is started, and what is under way is left alone.
 */
export function mapInOrder<T, U>(
  items: AsyncIterable<T> | Iterable<T>,
  run: (item: T) => Promise<U>,
  options: AheadOptions<T, U>,
): AsyncGenerator<U> {
  return new OrderedMap(items, run, options).results()
}

interface Pending<U> {
  readonly result: Promise<U>
  readonly weight: number
}

class OrderedMap<T, U> {
  readonly #items: AsyncIterable<T> | Iterable<T>
  readonly #run: (item: T) => Promise<U>
  readonly #options: AheadOptions<T, U>
  readonly #queue: Pending<U>[] = []
  #weight = 0
  #isPulling = false
  #isDone = false
  #failure: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined

  constructor(items: AsyncIterable<T> | Iterable<T>, run: (item: T) => Promise<U>, options: AheadOptions<T, U>) {
    this.#items = items
    this.#run = run
    this.#options = options
  }

  async *results(): AsyncGenerator<U> {
    const iterator = iterate(this.#items)
    try {
      for (;;) {
        this.#pull(iterator)
        const first = this.#queue[0]
        if (first !== undefined) {
          const value = await first.result
          this.#queue.shift()
          this.#weight -= first.weight
          this.#pull(iterator)
          yield value
        } else if (this.#failure !== undefined) throw this.#failure.error
        else if (this.#isDone) return
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.#isDone = true
      this.#abandonRest()
      await iterator.return?.()
    }
  }

  #abandonRest(): void {
    const { abandon } = this.#options
    if (abandon === undefined) return
    for (const { result } of this.#queue) result.then(abandon, () => undefined)
  }

  /** Takes the next item if there is room for it, and then the one after it. */
  #pull(iterator: AsyncIterator<T> | Iterator<T>): void {
    const { count, weight = Infinity } = this.#options
    const isFull = this.#queue.length >= count || (this.#queue.length > 0 && this.#weight >= weight)
    if (this.#isPulling || this.#isDone || isFull) return
    this.#isPulling = true
    Promise.resolve(iterator.next())
      .then((next) => this.#take(next))
      .catch((error: unknown) => {
        this.#isDone = true
        this.#failure = { error }
      })
      .finally(() => {
        this.#isPulling = false
        this.#wake()
        this.#pull(iterator)
      })
  }

  #take(next: IteratorResult<T>): void {
    if (next.done === true) this.#isDone = true
    if (this.#isDone) return
    const item = next.value as T
    const weight = this.#options.weigh?.(item) ?? 0
    const result = this.#run(item)
    // It is awaited in its turn; until then nobody listens, which must not end the process.
    result.catch(() => undefined)
    this.#queue.push({ result, weight })
    this.#weight += weight
  }
}

function iterate<T>(items: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
}
