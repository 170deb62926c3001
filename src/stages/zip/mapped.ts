/** `yield*` with a change to what is yielded. */
export async function* mapYields<T, U, R>(source: AsyncGenerator<T, R>, change: (value: T) => U): AsyncGenerator<U, R> {
  try {
    for (;;) {
      const next = await source.next()
      if (next.done === true) return next.value
      yield change(next.value)
    }
  } finally {
    await source.return(undefined as never)
  }
}
