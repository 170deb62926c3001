/** The words of one statement. */
import type { QuoteModes } from './scanner.ts'

export interface Token {
  /** `word`: an unquoted name or keyword, or a number; `name`: one in quotes; `text`: a literal; `sign`: one character. */
  readonly kind: 'word' | 'name' | 'text' | 'sign'
  readonly start: number
  readonly end: number
  /** A word in capitals, a name or a literal's text without its quotes, a sign. */
  readonly value: string
}

const WORD = /[\w$\x80-\xff]/

/**
 * Reads a statement whose bytes stand in `sql` as latin1. Space and comments are passed over; what stands in a comment of
 * a version (`/*!50003 CREATE`) is code.
 */
export function tokensOf(sql: string, { backslashEscapes, ansiQuotes }: QuoteModes): Token[] {
  const tokens: Token[] = []
  const quoted = (start: number, escapes: boolean): number => {
    const quote = sql[start]
    for (let at = start + 1; at < sql.length; at += 1) {
      if (escapes && sql[at] === '\\') at += 1
      else if (sql[at] === quote) {
        if (sql[at + 1] !== quote) return at + 1
        at += 1
      }
    }
    return sql.length
  }
  let at = 0
  while (at < sql.length) {
    const start = at
    const sign = sql[at] ?? ''
    if (sign <= ' ') at += 1
    else if (sign === '#' || (sign === '-' && sql[at + 1] === '-' && (sql[at + 2] ?? ' ') <= ' ')) {
      at = endOf(sql, '\n', at)
    } else if (sign === '/' && sql[at + 1] === '*') {
      const [head] = /^\/\*M?!\d*/.exec(sql.slice(at, at + 16)) ?? []
      at = head === undefined ? endOf(sql, '*/', at + 2) : at + head.length
    } else if (sign === '*' && sql[at + 1] === '/') at += 2
    else if (sign === '`' || (sign === '"' && ansiQuotes)) {
      at = quoted(at, false)
      tokens.push({ kind: 'name', start, end: at, value: nameIn(sql.slice(start, at)) })
    } else if (sign === "'" || sign === '"') {
      at = quoted(at, backslashEscapes)
      tokens.push({ kind: 'text', start, end: at, value: sql.slice(start + 1, at - 1) })
    } else if (WORD.test(sign)) {
      while (at < sql.length && WORD.test(sql[at] ?? '')) at += 1
      tokens.push({ kind: 'word', start, end: at, value: sql.slice(start, at).toUpperCase() })
    } else {
      at += 1
      tokens.push({ kind: 'sign', start, end: at, value: sign })
    }
  }
  return tokens
}

function endOf(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from)
  return at < 0 ? sql.length : at + mark.length
}

function nameIn(quoted: string): string {
  const quote = quoted[0] ?? ''
  return utf8(quoted.slice(1, -1).replaceAll(quote + quote, quote))
}

/** The text of bytes that stand as latin1. */
export function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** As an identifier, its bytes as latin1. */
export function quotedName(name: string): string {
  return Buffer.from(`\`${name.replaceAll('`', '``')}\``, 'utf8').toString('latin1')
}
