import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'

type Call = 'rename' | 'open' | 'rm'

/**
 * Has the next `times` calls of a function of node:fs/promises end with a system's error, as when another program has the
 * file open on Windows. `of`: only calls whose first path ends so. Gives how many were refused so far.
 */
export function refuseCalls(t: TestContext, call: Call, code: string, times: number, of = ''): () => number {
  let refused = 0
  const original = fs.promises[call] as (...args: unknown[]) => Promise<unknown>
  const mock = t.mock.method(fs.promises, call, async (...args: unknown[]): Promise<unknown> => {
    if (refused >= times || !String(args[0]).endsWith(of)) return await original(...args)
    refused += 1
    throw systemError(code, call)
  })
  syncBuiltinESMExports()
  t.after(() => {
    mock.mock.restore()
    syncBuiltinESMExports()
  })
  return () => refused
}

/** An error as Node gives it of the system's. */
export const systemError = (code: string, call: string): Error =>
  Object.assign(new Error(`${code}: not permitted, ${call}`), { code, syscall: call })
