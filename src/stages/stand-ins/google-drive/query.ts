/**
 * The `q` of files.list as a predicate. https://developers.google.com/workspace/drive/api/guides/ref-search-terms
 * Understood: name, mimeType (=, !=, contains), trashed (=, !=), 'x' in parents, createdTime and modifiedTime with any
 * comparison, appProperties has {key='k' and value='v'}; and, or, not, parentheses.
 */

import type { DriveFile } from './files.ts'
import { invalid } from './errors.ts'

export type Predicate = (file: DriveFile) => boolean

const TOKEN = /\s*(?:'((?:[^'\\]|\\.)*)'|(<=|>=|!=|[()={}<>])|([A-Za-z]+))/y

interface Token {
  readonly kind: 'string' | 'sign' | 'word'
  readonly text: string
}

export function parseQuery(q: string): Predicate {
  const tokens = tokenize(q)
  let at = 0
  const bad = () => invalid('Invalid Value', 'q')
  const next = (kind: Token['kind'], ...texts: readonly string[]): string => {
    const token = tokens[at++]
    if (token?.kind !== kind || (texts.length > 0 && !texts.includes(token.text))) throw bad()
    return token.text
  }
  const peek = (text: string): boolean => tokens[at]?.kind !== 'string' && tokens[at]?.text === text
  const skip = (text: string): boolean => peek(text) && ++at > 0

  const any = (): Predicate => {
    let left = all()
    while (skip('or')) left = either(left, all())
    return left
  }
  const all = (): Predicate => {
    let left = one()
    while (skip('and')) left = both(left, one())
    return left
  }
  const one = (): Predicate => {
    if (skip('not')) {
      const inner = one()
      return (file) => !inner(file)
    }
    if (skip('(')) {
      const inner = any()
      next('sign', ')')
      return inner
    }
    return tokens[at]?.kind === 'string' ? membership() : term()
  }
  const membership = (): Predicate => {
    const id = next('string')
    next('word', 'in')
    next('word', 'parents')
    return (file) => file.parents.includes(id)
  }
  const term = (): Predicate => {
    const field = next('word')
    if (field === 'trashed') {
      const equal = next('sign', '=', '!=') === '='
      const value = next('word', 'true', 'false') === 'true'
      return (file) => (file.trashed === value) === equal
    }
    if (field === 'appProperties') return property()
    if (field === 'createdTime' || field === 'modifiedTime') {
      const compare = COMPARE[next('sign', '<', '<=', '=', '!=', '>', '>=')]
      const value = Date.parse(next('string'))
      if (compare === undefined || Number.isNaN(value)) throw bad()
      return (file) => compare(Date.parse(file[field]), value)
    }
    if (field !== 'name' && field !== 'mimeType') throw bad()
    if (skip('contains')) {
      const value = next('string').toLowerCase()
      // Names match by the beginnings of their words only.
      return (file) => words(file[field].toLowerCase()).some((word) => word.startsWith(value))
    }
    const equal = next('sign', '=', '!=') === '='
    const value = next('string')
    return (file) => (file[field] === value) === equal
  }
  const property = (): Predicate => {
    next('word', 'has')
    next('sign', '{')
    next('word', 'key')
    next('sign', '=')
    const key = next('string')
    next('word', 'and')
    next('word', 'value')
    next('sign', '=')
    const value = next('string')
    next('sign', '}')
    return (file) => file.appProperties[key] === value
  }

  const predicate = any()
  if (at !== tokens.length) throw bad()
  return predicate
}

const both =
  (a: Predicate, b: Predicate): Predicate =>
  (file) =>
    a(file) && b(file)
const either =
  (a: Predicate, b: Predicate): Predicate =>
  (file) =>
    a(file) || b(file)

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** A name from each of its word starts on. */
function words(name: string): string[] {
  return [...name.matchAll(/(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu)].map((match) => name.slice(match.index))
}

function tokenize(q: string): Token[] {
  const tokens: Token[] = []
  const source = q.trimEnd()
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.length) {
    const match = TOKEN.exec(source)
    if (match === null) throw invalid('Invalid Value', 'q')
    const [, string, sign, word] = match
    if (string !== undefined) tokens.push({ kind: 'string', text: string.replace(/\\(.)/g, '$1') })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
    else tokens.push({ kind: 'word', text: word ?? '' })
  }
  return tokens
}
