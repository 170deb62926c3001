/** Runs steps one after another, in the order of the calls. One that fails does not hold up the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Settles as `step` does, which begins when all earlier ones have ended. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#last.then(step)
    this.#last = result.catch(() => undefined)
    return result
  }
}
