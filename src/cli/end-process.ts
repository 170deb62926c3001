import { existsSync } from 'node:fs'
import { messagesUnanswered } from '../pipeline/threads/helper-threads.ts'
import type { ExitCode } from './exit.ts'

const SHELL = '/bin/sh'

/**
 * Whether the system was asked for something that it has not answered yet: a file, a name's address. On a network drive
 * that hangs, such a call may never return.
 */
export function isSystemAsked(): boolean {
  return messagesUnanswered() > 0 || process.getActiveResourcesInfo().some((name) => /^FS|^GetAddrInfo/.test(name))
}

/**
 * Ends the process with this code. `process.exit` waits for every thread, so for ever where a call does not return: then
 * the process becomes another one that only ends. Windows has no such thing.
 */
export function endProcess(code: ExitCode): never {
  if (isSystemAsked() && process.platform !== 'win32' && process.execve !== undefined && existsSync(SHELL)) {
    process.emit('exit', code)
    process.execve(SHELL, [SHELL, '-c', `exit ${code}`], {})
  }
  process.exit(code)
}
