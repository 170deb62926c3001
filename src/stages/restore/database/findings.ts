/** What a dump tells of itself while it passes. */
import { dumpOutline } from '../../dump/outline.ts'
import type { Created, Qualified } from './rewrite.ts'
import type { Defaults } from './server.ts'
import type { Token } from './tokens.ts'

export interface DumpFindings {
  /** The database that was dumped, by the archive or else by the dump's first lines; null: not known. */
  readonly source: string | null
  /** Whether its last line has passed, `-- Dump completed`, which every dump program writes. */
  readonly complete: boolean
  /** Accounts, `user@host`, in whose name views, triggers, routines and events run; each with what is theirs: 'view w'. */
  readonly definers: ReadonlyMap<string, readonly string[]>
  /** Events that were enabled in the source. */
  readonly events: readonly string[]
  /** 'view w': what named the source by its name and names the target now. */
  readonly renamed: readonly string[]
  /** What may name the source by its name and was left as it is. */
  readonly unclear: readonly string[]
  /** What has the source's name in a text that becomes a statement only when it runs. */
  readonly inText: readonly string[]
  /** Other databases that are named, each with where. */
  readonly others: ReadonlyMap<string, readonly string[]>
  /** The collation of most tables; null: the dump has set the database's, or has no tables. */
  readonly guessedCollation: Defaults | null

  see(piece: Uint8Array): void
  header(bytes: Buffer): void
  creates(created: Created, found: Qualified): void
  enabledEvent(name: string): void
  altersDatabase(): void
  tableCollation(tokens: readonly Token[]): void
  /** The collation that the database has to have by now, for the routine that comes next; null: the one that it has. */
  collationBefore(tokens: readonly Token[]): Defaults | null
}

/** In `-- Host: localhost    Database: viewer` */
const HEADER = /^-- Host: .*\sDatabase: (\S.*?)\r?$/m
const HEADER_BYTES = 1024

export function dumpFindings(known: string | null): DumpFindings {
  const outline = dumpOutline()
  const definers = new Map<string, string[]>()
  const others = new Map<string, string[]>()
  const events: string[] = []
  const lists = { renamed: new Set<string>(), unclear: new Set<string>(), inText: new Set<string>() }
  const collations = new Map<string, Defaults & { readonly tables: number }>()
  let source = known
  let isFirst = true
  let isAltered = false
  let given: string | null = null

  const guess = (): Defaults | null => {
    if (isAltered) return null
    return [...collations.values()].toSorted((a, b) => b.tables - a.tables)[0] ?? null
  }
  const addTo = (map: Map<string, string[]>, key: string, what: string): void => {
    const all = map.get(key) ?? []
    if (!all.includes(what)) map.set(key, [...all, what])
  }
  return {
    get source() {
      return source
    },
    get complete() {
      return outline.complete
    },
    definers,
    events,
    others,
    get renamed() {
      return [...lists.renamed]
    },
    get unclear() {
      return [...lists.unclear]
    },
    get inText() {
      return [...lists.inText]
    },
    get guessedCollation() {
      return guess()
    },
    see(piece) {
      outline.add(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
    },
    header(bytes) {
      if (isFirst) source ??= HEADER.exec(bytes.toString('utf8', 0, HEADER_BYTES))?.[1] ?? null
      isFirst = false
    },
    creates({ kind, name, definer }, { edits, isUnclear, isInText, others: databases }) {
      const what = `${kind} ${name}`
      if (definer !== null) addTo(definers, definer, what)
      if (edits.length > 0) lists.renamed.add(what)
      if (isUnclear) lists.unclear.add(what)
      if (isInText && kind !== 'table') lists.inText.add(what)
      for (const database of databases) addTo(others, database, what)
    },
    enabledEvent(name) {
      events.push(name)
    },
    altersDatabase() {
      isAltered = true
    },
    tableCollation(tokens) {
      const at = tokens.findLastIndex(({ kind, value }) => kind === 'word' && value === 'CHARSET')
      const charset = at < 0 ? undefined : tokens[at + 2]?.value.toLowerCase()
      if (charset === undefined || !/^\w+$/.test(charset)) return
      const collate = tokens.slice(at).findIndex(({ kind, value }) => kind === 'word' && value === 'COLLATE')
      const collation = collate < 0 ? null : (tokens[at + collate + 2]?.value.toLowerCase() ?? null)
      const key = `${charset} ${collation ?? ''}`
      collations.set(key, { charset, collation, tables: (collations.get(key)?.tables ?? 0) + 1 })
    },
    collationBefore(tokens) {
      const isProgram = tokens.some(
        ({ kind, value }) => kind === 'word' && /^(?:TRIGGER|FUNCTION|PROCEDURE|PACKAGE|EVENT)$/.test(value),
      )
      const wanted = guess()
      const key = `${wanted?.charset ?? ''} ${wanted?.collation ?? ''}`
      if (tokens[0]?.value !== 'CREATE' || !isProgram || wanted === null || key === given) return null
      given = key
      return wanted
    },
  }
}
