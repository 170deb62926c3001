import { findProgram } from './find-program.ts'

const setpriv = process.platform === 'linux' ? findProgram('setpriv') : null

/**
 * The words that start a program which ends with this process, even when that is killed: a server or a run that stays
 * behind disturbs whoever comes next. (Where the system knows no such thing, the same words.) The program keeps the
 * process id that was started.
 */
export function withThisProcess([program, ...args]: readonly string[]): [program: string, ...args: string[]] {
  if (program === undefined) throw new Error('No program is named.')
  return setpriv === null ? [program, ...args] : [setpriv, '--pdeathsig', 'KILL', '--', program, ...args]
}
