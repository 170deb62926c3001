import type { QuoteModes } from './scanner.ts'
import type { Token } from './tokens.ts'

/** The session variables of a dump that decide how its next statements are read. */
export interface DumpSession {
  readonly modes: QuoteModes
  /** Null while the dump has not set it. */
  readonly characterSet: string | null
  /** Follows a statement that begins with SET. */
  set(tokens: readonly Token[]): void
}

const FOLLOWED = new Set(['SQL_MODE', 'CHARACTER_SET_CLIENT'])

export function dumpSession(): DumpSession {
  const variables = new Map<string, string>()
  const kept = new Map<string, string>()

  const valueOf = (tokens: readonly Token[]): string | undefined => {
    const name = tokens.at(-1)?.value.toUpperCase() ?? ''
    const signs = tokens.filter(({ value }) => value === '@').length
    if (signs === 0) return tokens[0]?.value
    return (signs === 2 ? variables : kept).get(name)
  }
  const assign = (tokens: readonly Token[]): void => {
    if (tokens[0]?.value === 'NAMES') {
      variables.set('CHARACTER_SET_CLIENT', tokens[1]?.value ?? '')
      return
    }
    const at = tokens.findIndex(({ kind, value }) => kind === 'sign' && value === '=')
    if (at < 1) return
    const left = tokens.slice(0, at).filter(({ value }) => value !== ':')
    const name = left.at(-1)?.value.toUpperCase() ?? ''
    const value = valueOf(tokens.slice(at + 1)) ?? ''
    if (left[0]?.value === '@' && left[1]?.value !== '@') kept.set(name, value)
    else if (FOLLOWED.has(name)) variables.set(name, value)
  }
  return {
    get modes() {
      const mode = variables.get('SQL_MODE') ?? ''
      return {
        backslashEscapes: !/\bNO_BACKSLASH_ESCAPES\b/i.test(mode),
        ansiQuotes: /\b(?:ANSI_QUOTES|ANSI|DB2|MAXDB|MSSQL|ORACLE|POSTGRESQL)\b/i.test(mode),
      }
    },
    get characterSet() {
      return variables.get('CHARACTER_SET_CLIENT')?.toLowerCase() ?? null
    },
    set(tokens) {
      let from = 1
      for (const [index, { kind, value }] of tokens.entries()) {
        if (kind !== 'sign' || value !== ',') continue
        assign(tokens.slice(from, index))
        from = index + 1
      }
      assign(tokens.slice(from))
    },
  }
}
