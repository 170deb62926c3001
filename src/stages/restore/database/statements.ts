/** The bytes of a dump on their way into a database: what names the source names the target, and nothing else changes. */
import { BackupError } from '../../../pipeline/contract/errors.ts'
import { dumpFindings, type DumpFindings } from './findings.ts'
import {
  actsOutside,
  alteredName,
  createdBy,
  disabledEvent,
  edited,
  isDisabled,
  isOnlyItsOwn,
  qualified,
  type Edit,
  type Names,
} from './rewrite.ts'
import { hexAsText } from './hex.ts'
import { defaultsSql } from './server.ts'
import { DumpScanner } from './scanner.ts'
import { dumpSession } from './session.ts'
import { tokensOf, type Token } from './tokens.ts'

/** What MariaDB's dump program writes first. Other client programs end with an error there. */
const SANDBOX_LINE = /^\/\*M?!999999\\-[^\n]*\n/
const LONGEST_SANDBOX_LINE = 100

export interface DumpOptions {
  readonly names: Names
  /** A statement that could act on anything but the target ends it with E_DUMP. */
  readonly isolated: boolean
  readonly disableEvents: boolean
  /** The target's default collation is that of the dump's tables: nothing else is known of the source's. */
  readonly guessCollation: boolean
  /** The longest statement that the server takes, in bytes; null: not known. */
  readonly longestStatement: number | null
  /** Hears, as they are in the dump, the statements that make what is no table: views, triggers, routines, events. */
  readonly onDefinition?: (bytes: Buffer) => void
}

/** They can be read once. */
export interface DumpStatements extends AsyncIterable<Uint8Array> {
  readonly findings: DumpFindings
}

/**
 * A dump that every client program takes: without MariaDB's sandbox line, whose protection `--binary-mode` gives as well.
 * `ALTER DATABASE` acts on the target, names with the source before them name the target, and long hexadecimal literals in
 * rows become binary ones, which are half as long. Throws E_DUMP before a statement that would go to another database, or
 * that is longer than the server takes.
 */
export function dumpStatements(content: AsyncIterable<Uint8Array>, options: DumpOptions): DumpStatements {
  const findings = dumpFindings(options.names.source)
  let out: Buffer[] = []
  const scanner = scannerInto((bytes) => out.push(bytes), findings, options)
  const taken = (): Buffer => {
    const bytes = out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out)
    out = []
    return bytes
  }
  async function* read(): AsyncGenerator<Uint8Array> {
    let first: Buffer | null = Buffer.alloc(0)
    for await (const piece of content) {
      findings.see(piece)
      let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
      if (first !== null) {
        first = Buffer.concat([first, bytes])
        if (first.length < LONGEST_SANDBOX_LINE) continue
        bytes = withoutSandboxLine(first)
        first = null
      }
      scanner.add(bytes)
      if (out.length > 0) yield taken()
    }
    if (first !== null) scanner.add(withoutSandboxLine(first))
    scanner.end()
    if (out.length > 0) yield taken()
  }
  const bytes = read()
  return { [Symbol.asyncIterator]: () => bytes, findings }
}

function withoutSandboxLine(bytes: Buffer): Buffer {
  const [line = ''] = SANDBOX_LINE.exec(bytes.toString('latin1', 0, LONGEST_SANDBOX_LINE)) ?? []
  return bytes.subarray(line.length)
}

function scannerInto(write: (bytes: Buffer) => void, findings: DumpFindings, options: DumpOptions): DumpScanner {
  const { isolated, disableEvents, longestStatement, onDefinition } = options
  const session = dumpSession()
  const hex = hexAsText()
  /** Of the rows at hand: their table, and how many bytes of the statement there were. */
  let table = ''
  let length = 0

  const row = (bytes: Buffer): void => {
    length += bytes.length
    if (longestStatement !== null && length > longestStatement) throw tooLong(table, longestStatement)
    if (bytes.length > 0) write(bytes)
  }
  const namesOf = (): Names => ({ ...options.names, source: findings.source })

  const scanner = new DumpScanner({
    statement(bytes, delimiter) {
      findings.header(bytes)
      const sql = bytes.toString('latin1')
      const tokens = tokensOf(sql, session.modes)
      if (tokens[0]?.value === 'SET') {
        session.set(tokens)
        scanner.modes = session.modes
      }
      if (onDefinition !== undefined && isDefinition(sql, tokens))
        onDefinition(Buffer.concat([bytes, Buffer.from(delimiter, 'latin1')]))
      const made = rewritten(sql, tokens, {
        names: namesOf(),
        isolated,
        disableEvents,
        charset: session.characterSet,
        findings,
      })
      if (made === null) return
      const guess = options.guessCollation ? findings.collationBefore(tokens) : null
      if (guess !== null) write(Buffer.from(`ALTER DATABASE${defaultsSql(guess)} ${delimiter}\n`, 'latin1'))
      write(made === sql ? bytes : Buffer.from(made, 'latin1'))
      write(Buffer.from(delimiter, 'latin1'))
    },
    delimiterLine(bytes) {
      onDefinition?.(bytes)
      write(bytes)
    },
    rowsBegin(head) {
      const sql = head.toString('latin1')
      const tokens = tokensOf(sql, session.modes)
      const names = namesOf()
      if (isolated && actsOutside(sql, tokens, names)) throw outside(tokens)
      const { edits } = qualified(sql, tokens, names)
      table = tokens.findLast(({ kind }) => kind === 'name')?.value ?? ''
      length = 0
      row(edits.length === 0 ? head : Buffer.from(edited(sql, edits), 'latin1'))
    },
    rows: row,
    hex(digits, first, last) {
      row(hex(digits, first, last, session.modes.backslashEscapes))
    },
    rowsEnd(delimiter) {
      write(Buffer.from(delimiter, 'latin1'))
    },
  })
  return scanner
}

interface Context {
  readonly names: Names
  readonly isolated: boolean
  readonly disableEvents: boolean
  /** Of the statement's own text; null: that of the client. */
  readonly charset: string | null
  readonly findings: DumpFindings
}

/** The statement as it is to be run; null: it is left out. */
function rewritten(
  sql: string,
  tokens: readonly Token[],
  { names, isolated, disableEvents, charset, findings }: Context,
): string | null {
  const [first, second] = tokens
  if (first === undefined || first.value === 'SET') {
    if (isolated && actsOutside(sql, tokens, names)) throw outside(tokens)
    return sql
  }
  if (isOnlyItsOwn(sql, tokens, names)) return null
  if (first.value === 'ALTER' && (second?.value === 'DATABASE' || second?.value === 'SCHEMA')) {
    findings.altersDatabase()
    return edited(sql, alteredName(tokens))
  }
  if (isolated && actsOutside(sql, tokens, names)) throw outside(tokens)
  const created = createdBy(sql, tokens)
  const found = qualified(sql, tokens, names)
  // In another character set the name would be another one.
  const isWritable = charset === null || /^utf8/.test(charset) || isAscii(`${names.source ?? ''}${names.target}`)
  const edits: Edit[] = isWritable ? [...found.edits] : []
  if (created !== null) {
    findings.creates(created, { ...found, edits, isUnclear: found.isUnclear || edits.length < found.edits.length })
    if (created.kind === 'table') findings.tableCollation(tokens)
    if (created.kind === 'event' && !isDisabled(tokens)) {
      findings.enabledEvent(created.name)
      if (disableEvents) edits.push(...disabledEvent(tokens))
    }
  } else if (isolated && first.value === 'ALTER' && second?.value === 'EVENT') edits.push(...disabledEvent(tokens))
  return edits.length === 0 ? sql : edited(sql, edits)
}

const isAscii = (text: string): boolean => !/[^\x20-\x7e]/.test(text)

/**
 * Whether a statement is needed to make what is no table, once the tables are there. Dump programs write what holds a
 * view's place in a comment of a version, be it as a table.
 */
function isDefinition(sql: string, tokens: readonly Token[]): boolean {
  const [first, second] = tokens
  if (first?.value === 'SET') return true
  if (first?.value === 'ALTER') return second?.value === 'DATABASE' || second?.value === 'SCHEMA'
  if (first?.value === 'DROP') {
    const isPlace = second?.value === 'TABLE' && isVersioned(sql, first)
    return isPlace || /^(?:VIEW|TRIGGER|FUNCTION|PROCEDURE|PACKAGE|EVENT)$/.test(second?.value ?? '')
  }
  const created = createdBy(sql, tokens)
  if (created === null || created.kind === 'sequence' || first === undefined) return false
  return created.kind !== 'table' || isVersioned(sql, first)
}

const isVersioned = (sql: string, { start }: Token): boolean => /\/\*M?!\d+\s*$/.test(sql.slice(0, start))

function tooLong(table: string, most: number): BackupError {
  return new BackupError(
    'E_DUMP',
    `A row of the table ${table} is longer than the server takes: its max_allowed_packet is ${most} bytes.`,
    {
      advice:
        'Raise max_allowed_packet in the configuration of the server (1G is the most) and restart it, then restore again.',
    },
  )
}

function outside([first, second]: readonly Token[]): BackupError {
  const words = [first, second].flatMap((token) => (token?.kind === 'word' ? [token.value] : [])).join(' ')
  return new BackupError(
    'E_DUMP',
    `The dump has a statement that may act outside of its database (${words}): it was not run.`,
    { advice: 'Extract the dump with --to and look at it before you load it.' },
  )
}
