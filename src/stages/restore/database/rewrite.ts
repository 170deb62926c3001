/** What a statement of a dump names, and how it is made to name the database that it is loaded into. */
import { BackupError } from '../../../pipeline/contract/errors.ts'
import { quotedName, utf8, type Token } from './tokens.ts'

export interface Names {
  /** The database that was dumped; null: not known. */
  readonly source: string | null
  /** The one that is loaded into. */
  readonly target: string
  /** Further names under which the dump may mean that one. */
  readonly also: readonly string[]
  /** Whether the server takes `Viewer` and `viewer` for one. */
  readonly ignoreCase: boolean
}

/** What is created: 'view w', and by which account. */
export interface Created {
  /** In small letters: 'table', 'view', 'trigger', 'function', 'procedure', 'package', 'event', 'sequence'. */
  readonly kind: string
  readonly name: string
  /** `user@host`; null where none is named. */
  readonly definer: string | null
}

export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

const KINDS = ['TABLE', 'VIEW', 'TRIGGER', 'FUNCTION', 'PROCEDURE', 'PACKAGE', 'EVENT', 'SEQUENCE']
const BEFORE_NAME = new Set(['IF', 'NOT', 'EXISTS', 'BODY'])
/** What every server has. */
const SYSTEM = ['mysql', 'sys', 'information_schema', 'performance_schema']

const isIdentifier = (token: Token | undefined): token is Token => token?.kind === 'name' || token?.kind === 'word'
const isSign = (token: Token | undefined, sign: string): boolean => token?.kind === 'sign' && token.value === sign
const isWord = (token: Token | undefined, ...words: readonly string[]): boolean =>
  token?.kind === 'word' && words.includes(token.value)

/** A name as it was meant. */
function nameOf(sql: string, token: Token): string {
  return token.kind === 'word' ? utf8(sql.slice(token.start, token.end)) : token.value
}

const same = (a: string, b: string, { ignoreCase }: Names): boolean =>
  a === b || (ignoreCase && a.toLowerCase() === b.toLowerCase())

export function isOwn(name: string, names: Names): boolean {
  const own = [names.target, ...names.also, ...(names.source === null ? [] : [names.source])]
  return own.some((one) => same(name, one, names))
}

/** What a statement creates; null when it creates nothing of a database's content. */
export function createdBy(sql: string, tokens: readonly Token[]): Created | null {
  if (!isWord(tokens[0], 'CREATE')) return null
  const at = tokens.findIndex((token) => isWord(token, ...KINDS))
  if (at < 0) return null
  const named = nameAfter(tokens, at)
  const token = tokens[isSign(tokens[named + 1], '.') ? named + 2 : named]
  return {
    kind: tokens[at]?.value.toLowerCase() ?? '',
    name: token === undefined ? '' : nameOf(sql, token),
    definer: definerIn(sql, tokens.slice(0, at)),
  }
}

/** Where the name stands that follows the word for its kind. */
function nameAfter(tokens: readonly Token[], kind: number): number {
  let at = kind + 1
  while (tokens[at]?.kind === 'word' && BEFORE_NAME.has(tokens[at]?.value ?? '')) at += 1
  return at
}

function definerIn(sql: string, tokens: readonly Token[]): string | null {
  const at = tokens.findIndex((token, index) => isWord(token, 'DEFINER') && isSign(tokens[index + 1], '='))
  const [user, sign, host] = tokens.slice(at + 2)
  if (at < 0 || user === undefined || isWord(user, 'CURRENT_USER')) return null
  // Without a host it is a role.
  return `${nameOf(sql, user)}@${isSign(sign, '@') && host !== undefined ? nameOf(sql, host) : ''}`
}

/** The name in `ALTER DATABASE name …`, to be left out: without one the statement is about the database in use. */
export function alteredName(tokens: readonly Token[]): Edit[] {
  const name = tokens[2]
  const options = ['DEFAULT', 'CHARACTER', 'CHARSET', 'COLLATE', 'COMMENT', 'ENCRYPTION', 'READ']
  if (name === undefined || isWord(name, ...options)) return []
  return [{ start: name.start, end: name.end, text: '' }]
}

/** Has an event made disabled. */
export function disabledEvent(tokens: readonly Token[]): Edit[] {
  const body = tokens.findIndex((token) => isWord(token, 'DO'))
  const head = body < 0 ? tokens : tokens.slice(0, body)
  const enable = head.find((token) => isWord(token, 'ENABLE'))
  if (enable !== undefined) return [{ start: enable.start, end: enable.end, text: 'DISABLE' }]
  if (isDisabled(tokens)) return []
  const next = head.find((token) => isWord(token, 'COMMENT')) ?? tokens[body]
  return next === undefined ? [] : [{ start: next.start, end: next.start, text: 'DISABLE ' }]
}

export function isDisabled(tokens: readonly Token[]): boolean {
  const body = tokens.findIndex((token) => isWord(token, 'DO'))
  return tokens.slice(0, body < 0 ? tokens.length : body).some((token) => isWord(token, 'DISABLE'))
}

export interface Qualified {
  /** Names of the source, to be replaced. */
  readonly edits: readonly Edit[]
  /** Whether some could also be a table, or an alias, of the same name as the database: those are as they were. */
  readonly isUnclear: boolean
  /** Whether a literal names the source, as a statement does that is put together when it runs. */
  readonly isInText: boolean
  /** Other databases that are named, but for those of every server. */
  readonly others: readonly string[]
}

/** The names with a database before them: `viewer`.`studies`. */
export function qualified(sql: string, tokens: readonly Token[], names: Names): Qualified {
  const { source, target } = names
  const alone = new Set<string>()
  for (const [at, token] of tokens.entries()) {
    const isAccount = isSign(tokens[at + 1], '@') || isSign(tokens[at - 1], '@')
    if (isIdentifier(token) && !isSign(tokens[at + 1], '.') && !isAccount) alone.add(nameOf(sql, token).toLowerCase())
    // The middle of three is a table.
    if (isIdentifier(token) && isSign(tokens[at - 1], '.')) alone.add(nameOf(sql, token).toLowerCase())
  }
  const edits: Edit[] = []
  const others = new Set<string>()
  let isUnclear = false
  for (const [at, token] of tokens.entries()) {
    if (!isIdentifier(token) || !isSign(tokens[at + 1], '.') || isSign(tokens[at - 1], '.')) continue
    if (isSign(tokens[at - 1], '@')) continue
    const name = nameOf(sql, token)
    const isAlone = alone.has(name.toLowerCase())
    const isDatabase = isOfThree(tokens, at) || (isTablePlace(tokens, at) && !isAlone)
    if (source !== null && same(name, source, names)) {
      if (isAlone && !isOfThree(tokens, at) && !isTablePlace(tokens, at)) isUnclear = true
      else edits.push({ start: token.start, end: token.end, text: quotedName(target) })
    } else if (isDatabase && !isOwn(name, names) && !SYSTEM.includes(name.toLowerCase())) others.add(name)
  }
  const isInText = source !== null && tokens.some(({ kind, value }) => kind === 'text' && mentions(utf8(value), source))
  return { edits: source === target ? [] : edits, isUnclear, isInText, others: [...others] }
}

const isOfThree = (tokens: readonly Token[], at: number): boolean =>
  isIdentifier(tokens[at + 2]) && isSign(tokens[at + 3], '.')

/** Whether what stands here can be a table only, not a column. */
function isTablePlace(tokens: readonly Token[], at: number): boolean {
  let before = at - 1
  while (isSign(tokens[before], '(')) before -= 1
  const word = tokens[before]
  if (isWord(word, 'FROM') && isInFunction(tokens, before)) return false
  if (isWord(word, 'FROM', 'JOIN', 'STRAIGHT_JOIN', 'CALL', 'REFERENCES', 'TABLE', 'TABLES')) return true
  if (isWord(word, 'INTO')) return isWord(tokens[before - 1], 'INSERT', 'REPLACE', 'IGNORE')
  return isWord(word, 'UPDATE') && !isWord(tokens[before - 1], 'KEY', 'ON', 'FOR', 'BEFORE', 'AFTER')
}

/** `EXTRACT(YEAR FROM …)`, `TRIM(BOTH ' ' FROM …)` */
function isInFunction(tokens: readonly Token[], from: number): boolean {
  const isTrim = isWord(tokens[from - 2], 'BOTH', 'LEADING', 'TRAILING')
  return isSign(tokens[from - (isTrim ? 3 : 2)], '(')
}

/** Whether a text has the name with a full stop behind it, in quotes or not. */
function mentions(text: string, name: string): boolean {
  const lower = text.toLowerCase()
  const wanted = name.toLowerCase()
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1)) {
    if (!/[\w$]$/.test(lower.slice(0, at)) && /^[`"]?\s*\./.test(lower.slice(at + wanted.length))) return true
  }
  return false
}

const OUTSIDE_BY_FIRST = new Set(
  'GRANT REVOKE FLUSH RESET CHANGE PURGE INSTALL UNINSTALL SHUTDOWN KILL STOP PREPARE EXECUTE CALL LOAD HANDLER'.split(
    ' ',
  ),
)
const OUTSIDE_BY_SECOND = new Set('USER ROLE SERVER TABLESPACE LOGFILE INSTANCE SLAVE REPLICA ALL'.split(' '))
const ON_TABLES = new Set('INSERT REPLACE DELETE UPDATE TRUNCATE DROP ALTER RENAME LOCK'.split(' '))

/** Whether a statement acts on anything but the database in use, or may do so. */
export function actsOutside(sql: string, tokens: readonly Token[], names: Names): boolean {
  const [first, second] = tokens
  if (first?.kind !== 'word') return false
  if (OUTSIDE_BY_FIRST.has(first.value)) return true
  if (second?.kind === 'word' && first.value !== 'INSERT' && OUTSIDE_BY_SECOND.has(second.value)) return true
  if (first.value === 'SET') return tokens.some((token) => isWord(token, 'GLOBAL', 'PASSWORD', 'PERSIST'))
  const kind = first.value === 'CREATE' ? tokens.findIndex((token) => isWord(token, ...KINDS)) : -1
  const created = kind < 0 ? -1 : nameAfter(tokens, kind)
  return tokens.some((token, at) => {
    if (!isIdentifier(token) || !isSign(tokens[at + 1], '.') || isSign(tokens[at - 1], '.')) return false
    return (ON_TABLES.has(first.value) || at === created) && !isOwn(nameOf(sql, token), names)
  })
}

/** Throws E_DUMP for a statement that goes to another database; gives whether it is to be left out. */
export function isOnlyItsOwn(sql: string, tokens: readonly Token[], names: Names): boolean {
  const [first, second] = tokens
  const isUse = isWord(first, 'USE')
  if (!isUse && !(isWord(first, 'CREATE', 'DROP') && isWord(second, 'DATABASE', 'SCHEMA'))) return false
  const name = tokens.slice(isUse ? 1 : 2).find((token) => isIdentifier(token) && !isWord(token, 'IF', 'NOT', 'EXISTS'))
  if (name === undefined || isOwn(nameOf(sql, name), names)) return true
  throw new BackupError(
    'E_DUMP',
    `The dump names another database to load into (${first?.value ?? ''}): it was stopped there.`,
    {
      advice:
        'It is a dump of whole databases (mysqldump --databases): restore it to the database of that name, or extract it with --to and load it by hand.',
    },
  )
}

export function edited(sql: string, edits: readonly Edit[]): string {
  let text = ''
  let from = 0
  for (const { start, end, text: instead } of edits.toSorted((a, b) => a.start - b.start)) {
    text += sql.slice(from, start) + instead
    from = end
  }
  return text + sql.slice(from)
}
