import path from 'node:path'

/**
 * The path of a program of Windows' own. By its bare name Windows would look into the current folder first, where anyone
 * may have put one of that name.
 */
export function systemProgram(name: string, env: NodeJS.ProcessEnv = process.env): string {
  return path.win32.join(env['SystemRoot'] ?? 'C:\\Windows', 'System32', name)
}
