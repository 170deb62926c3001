import type { TestContext } from 'node:test'

/**
 * Gives a test a performance.now() that is so many ms later each time it is looked at, so that what counts time by it does
 * not depend on the machine. Pauses take what they take.
 */
export function steadyClock({ mock }: Pick<TestContext, 'mock'>, stepMs: number): void {
  let now = 0
  mock.method(performance, 'now', () => (now += stepMs))
}
