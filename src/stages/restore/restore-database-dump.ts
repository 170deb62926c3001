import { BackupError } from '../../pipeline/errors.ts'
import { dumpOutline } from '../dump/outline.ts'

/** What MariaDB's dump program writes first. Other client programs end with an error there. */
const SANDBOX_LINE = /^\/\*M?!999999\\-[^\n]*\n/
const LONGEST_SANDBOX_LINE = 100

const USE = Buffer.from('\nUSE ')
/** More than the longest name: 64 characters of up to 4 bytes, in quotes and each quoted at worst. */
const LONGEST_USE = USE.length + 600

/** The bytes of a dump on their way into a database, once. */
export interface DumpStatements extends AsyncIterable<Uint8Array> {
  /** Tables whose structure has passed. */
  readonly tables: number
  /** Whether its last line has passed, `-- Dump completed`, which every dump program writes. */
  readonly complete: boolean
}

/**
 * A dump that every client program takes, for the database `name`: without MariaDB's sandbox line, whose protection
 * `--binary-mode` gives as well. Throws E_DUMP before a statement that would go to another database (`USE`): dumps of
 * several databases at once have those. `name` null: nothing is looked for.
 */
export function dumpStatements(content: AsyncIterable<Uint8Array>, name: string | null): DumpStatements {
  const outline = dumpOutline()
  async function* read(): AsyncGenerator<Uint8Array> {
    let first: Buffer | null = Buffer.alloc(0)
    // The first line of all begins a line too.
    let rest: Buffer = Buffer.from('\n')
    for await (const piece of content) {
      let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
      outline.add(bytes)
      if (first !== null) {
        first = Buffer.concat([first, bytes])
        if (first.length < LONGEST_SANDBOX_LINE) continue
        bytes = withoutSandboxLine(first)
        first = null
      }
      if (name !== null) rest = mustStayIn(name, rest, bytes)
      yield bytes
    }
    if (first === null) return
    const all = withoutSandboxLine(first)
    if (name !== null) mustStayIn(name, rest, all)
    if (all.length > 0) yield all
  }
  const bytes = read()
  return {
    [Symbol.asyncIterator]: () => bytes,
    get tables() {
      return outline.tableNames.length
    },
    get complete() {
      return outline.complete
    },
  }
}

function withoutSandboxLine(bytes: Buffer): Buffer {
  const [line = ''] = SANDBOX_LINE.exec(bytes.toString('latin1', 0, LONGEST_SANDBOX_LINE)) ?? []
  return bytes.subarray(line.length)
}

/** Looks through what is next; gives what has to be looked at again with what follows, as a copy. */
function mustStayIn(name: string, before: Buffer, next: Buffer): Buffer {
  const text = Buffer.concat([before, next])
  let from = 0
  for (;;) {
    const start = text.indexOf(USE, from)
    if (start < 0) return Buffer.from(text.subarray(Math.max(from, text.length - USE.length + 1)))
    const end = text.indexOf('\n', start + 1)
    if (end < 0 && text.length - start < LONGEST_USE) return Buffer.from(text.subarray(start))
    from = end < 0 ? start + USE.length : end
    const [, other] = /^\nUSE `((?:[^`]|``)+)`;?\r?$/.exec(text.toString('utf8', start, from)) ?? []
    if (other !== undefined && other.replaceAll('``', '`') !== name) throw anotherDatabase()
  }
}

function anotherDatabase(): BackupError {
  return new BackupError('E_DUMP', 'The dump names another database to load into (USE): it was stopped there.', {
    advice:
      'It was made of whole databases (mysqldump --databases): restore it to the database of that name, or extract it with --to and load it by hand.',
  })
}
