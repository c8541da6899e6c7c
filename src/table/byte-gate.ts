/** Lets work through as long as the memory that it will take stays within a limit; who has to wait goes in order. */
export class ByteGate {
  readonly #limit: number
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = []
  #taken = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  /** Runs `work` when there is room for its bytes; work larger than the limit runs alone. */
  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const weight = Math.min(bytes, this.#limit)
    await this.#enter(weight)
    try {
      return await work()
    } finally {
      this.#taken -= weight
      this.#admit()
    }
  }

  #enter(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ bytes, enter: resolve })
      this.#admit()
    })
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && this.#taken + next.bytes <= this.#limit; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#taken += next.bytes
      next.enter()
    }
  }
}
