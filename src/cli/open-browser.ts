import { spawn } from 'node:child_process'
import { systemProgram } from '../stages/windows/system-program.ts'

/**
 * Opens an address in the person's browser, where there is one; the address is an argument, never part of a command
 * line that a shell reads. What fails is no matter: the address is shown, too.
 */
export function openBrowser(address: string): void {
  const words = browserFor(process.platform, process.env)
  const [program, ...args] = words
  if (program === undefined) return
  const child = spawn(program, [...args, address], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}

/** The program that opens addresses, with its arguments; empty when there is none. */
export function browserFor(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): readonly string[] {
  const own = env['BROWSER'] ?? ''
  if (own !== '') return [own]
  if (platform === 'win32') return [systemProgram('rundll32.exe', env), 'url.dll,FileProtocolHandler']
  if (platform === 'darwin') return ['open']
  const hasDesktop = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== ''
  return hasDesktop ? ['xdg-open'] : []
}
