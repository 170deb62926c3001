/** Splits a dump into its statements as the client program does, without keeping the rows. */
import { BackupError } from '../../../pipeline/contract/errors.ts'

/** What the scanner finds, in the order of the dump. All of it together is the dump, byte for byte. */
export interface ScannedDump {
  /** A statement that is not of rows, with the space and the comments before it. `delimiter` follows it; '' at the end. */
  statement(bytes: Buffer, delimiter: string): void
  /** A `DELIMITER` line, with the space and the comments before it. */
  delimiterLine(bytes: Buffer): void
  /** An INSERT or REPLACE with what is before it, up to and including its first bracket; `rows` and `rowsEnd` follow. */
  rowsBegin(head: Buffer): void
  /** The bytes of the rows, in pieces. A piece lies in memory that is not used again. */
  rows(bytes: Buffer): void
  /** The digits of a long hexadecimal literal in the rows; `first` and `last` say where it begins and ends. */
  hex(digits: Buffer, first: boolean, last: boolean): void
  rowsEnd(delimiter: string): void
}

/** The modes of the session that decide what a quote means. */
export interface QuoteModes {
  readonly backslashEscapes: boolean
  readonly ansiQuotes: boolean
}

/** Longer than what has to be seen at once: '/*M!999999', 'REPLACE', a delimiter and what follows it. */
const LOOKAHEAD = 64
const LONGEST_DELIMITER_LINE = 1024
/** Hexadecimal literals of fewer digits are rows like others. A BIT has 16 digits at most. */
const LONG_HEX = 256
/** More than any view, trigger or routine has. */
const LONGEST_STATEMENT = 64 * 1024 * 1024

const [QUOTE, DOUBLE_QUOTE, BACKTICK, BACKSLASH] = [0x27, 0x22, 0x60, 0x5c] as const
const [HASH, MINUS, SLASH, STAR, BRACKET] = [0x23, 0x2d, 0x2f, 0x2a, 0x28] as const
const [NEWLINE, ZERO, LOWER_X] = [0x0a, 0x30, 0x78] as const

const isHexDigit = new Uint8Array(256)
for (const digit of '0123456789abcdefABCDEF') isHexDigit[digit.charCodeAt(0)] = 1
const isWordByte = new Uint8Array(256).fill(1, 0x80)
for (let byte = 0; byte < 0x80; byte += 1) if (/[\w$]/.test(String.fromCharCode(byte))) isWordByte[byte] = 1

type Kind = 'before' | 'whole' | 'head' | 'rows'

/** Give it the dump piece by piece with `add`, then call `end`. `modes` may change between two statements. */
export class DumpScanner {
  modes: QuoteModes = { backslashEscapes: true, ansiQuotes: false }
  readonly #found: ScannedDump
  #text: Buffer = Buffer.alloc(0)
  /** Of `text`: up to where it was scanned, and up to where it was handed on or kept. */
  #at = 0
  #from = 0
  #held: Buffer[] = []
  #heldBytes = 0
  #kind: Kind = 'before'
  #quote = 0
  #comment: 'none' | 'line' | 'block' = 'none'
  #isHex = false
  #delimiter: Buffer = Buffer.from(';')
  /** Bytes that mean nothing outside quotes and comments of rows. */
  #plain = plainBytes(0x3b)
  #lineBegins = true
  /** The byte before `from`. */
  #previous = 0

  constructor(found: ScannedDump) {
    this.#found = found
  }

  /** `piece` is not kept. */
  add(piece: Uint8Array): void {
    this.#text = Buffer.concat([this.#text.subarray(this.#from), piece])
    this.#at -= this.#from
    this.#from = 0
    this.#scan(this.#text.length - LOOKAHEAD, false)
    this.#keep(Math.min(this.#at, this.#text.length))
  }

  end(): void {
    this.#scan(this.#text.length, true)
    this.#keep(this.#text.length)
    if (this.#isHex) this.#hexEnds(Buffer.alloc(0))
    if (this.#kind === 'rows') this.#found.rowsEnd('')
    else if (this.#heldBytes > 0) this.#found.statement(this.#release(), '')
  }

  /** Hands on, or keeps for the whole statement, what was scanned. */
  #keep(to: number): void {
    if (to <= this.#from) return
    const bytes = this.#text.subarray(this.#from, to)
    this.#from = to
    this.#previous = bytes[bytes.length - 1] ?? 0
    if (this.#kind === 'rows') {
      this.#found.rows(bytes)
      return
    }
    this.#held.push(Buffer.from(bytes))
    this.#heldBytes += bytes.length
    if (this.#heldBytes > LONGEST_STATEMENT) throw tooLong()
  }

  #release(): Buffer {
    const bytes = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return bytes ?? Buffer.alloc(0)
  }

  #scan(limit: number, isLast: boolean): void {
    while (this.#at < limit) {
      const before = this.#at
      if (this.#isHex) {
        this.#inHex()
        continue
      }
      if (this.#quote !== 0) this.#inQuotes()
      else if (this.#comment !== 'none') this.#inComment()
      else this.#inCode(limit, isLast)
      // What is next has to be seen whole.
      if (this.#at === before) return
    }
  }

  #inQuotes(): void {
    const text = this.#text
    const quote = this.#quote
    const escapes =
      this.modes.backslashEscapes && quote !== BACKTICK && !(quote === DOUBLE_QUOTE && this.modes.ansiQuotes)
    const escape = escapes ? BACKSLASH : -1
    const { length } = text
    let at = this.#at
    // A quote that is doubled ends the text and begins it again, which comes to the same.
    for (; at < length; at += 1) {
      const byte = text[at]
      if (byte === quote) {
        this.#quote = 0
        at += 1
        break
      }
      if (byte === escape) {
        if (at + 1 === length) break
        at += 1
      }
    }
    this.#at = at
  }

  #inComment(): void {
    const isLine = this.#comment === 'line'
    const end = isLine ? this.#text.indexOf(NEWLINE, this.#at) : this.#text.indexOf('*/', this.#at)
    if (end < 0) {
      // The last byte may be the star of the comment's end.
      this.#at = Math.max(this.#at, this.#text.length - (isLine ? 0 : 1))
      return
    }
    this.#at = end + (isLine ? 0 : 2)
    this.#comment = 'none'
    this.#lineBegins = false
  }

  #inCode(limit: number, isLast: boolean): void {
    const text = this.#text
    const plain = this.#plain
    if (this.#kind === 'rows') {
      let at = this.#at
      while (at < limit && plain[text[at] ?? 0] === 1) at += 1
      this.#at = at
      if (at >= limit) return
    }
    const at = this.#at
    const byte = text[at] ?? 0
    if (this.#kind === 'before' && this.#lineBegins && this.#isDelimiterLine(isLast)) return
    if (byte > 0x20) this.#lineBegins = false
    if (byte === this.#delimiter[0] && this.#isAt(this.#delimiter, at)) this.#statementEnds()
    else if (byte === QUOTE || byte === DOUBLE_QUOTE || byte === BACKTICK) {
      if (this.#kind === 'before') this.#kind = 'whole'
      this.#quote = byte
      this.#at += 1
    } else if (byte === HASH || (byte === MINUS && text[at + 1] === MINUS && isSpace(text[at + 2]))) {
      this.#comment = 'line'
      this.#at += 1
    } else if (byte === SLASH && text[at + 1] === STAR) this.#commentBegins(at)
    else if (byte === NEWLINE) {
      this.#lineBegins = true
      this.#at += 1
    } else if (this.#kind === 'rows' && byte === ZERO) this.#mayBeHex(isLast)
    else if (this.#kind === 'before' && isWordByte[byte] === 1) this.#firstWord(at)
    else if (this.#kind === 'head' && byte === BRACKET) this.#rowsBegin()
    else if (byte === BACKSLASH) this.#at += 2
    else this.#at += 1
  }

  /** Statements may begin in a comment of a version: `/*!50003 CREATE`. */
  #commentBegins(at: number): void {
    const [head] = /^\/\*(?:M?!\d*)?/.exec(this.#text.toString('latin1', at, at + 16)) ?? ['/*']
    if (head === '/*') this.#comment = 'block'
    this.#at += head.length
  }

  #firstWord(at: number): void {
    let end = at
    while (end - at < LOOKAHEAD / 2 && isWordByte[this.#text[end] ?? 0] === 1) end += 1
    const word = this.#text.toString('latin1', at, end)
    this.#kind = /^(?:INSERT|REPLACE)$/i.test(word) ? 'head' : 'whole'
    this.#at = end
  }

  #rowsBegin(): void {
    this.#at += 1
    this.#keep(this.#at)
    this.#kind = 'rows'
    this.#found.rowsBegin(this.#release())
  }

  #statementEnds(): void {
    const isRows = this.#kind === 'rows'
    this.#keep(this.#at)
    this.#at += this.#delimiter.length
    this.#from = this.#at
    this.#kind = 'before'
    const delimiter = this.#delimiter.toString('latin1')
    if (isRows) this.#found.rowsEnd(delimiter)
    else this.#found.statement(this.#release(), delimiter)
  }

  /** The client takes the word only where a line begins and no statement has. */
  #isDelimiterLine(isLast: boolean): boolean {
    const text = this.#text
    const at = this.#at
    if (!/^delimiter[ \t]/i.test(text.toString('latin1', at, at + 10))) return false
    const end = text.indexOf(NEWLINE, at)
    if (end < 0 && !isLast && text.length - at < LONGEST_DELIMITER_LINE) return true
    const to = end < 0 ? text.length : end + 1
    const [, word = ''] = /^\S+\s+["'`]?([^\s"'`]+)/.exec(text.toString('latin1', at, to)) ?? []
    if (word !== '') {
      this.#delimiter = Buffer.from(word, 'latin1')
      this.#plain = plainBytes(this.#delimiter[0] ?? 0)
    }
    this.#at = to
    this.#keep(to)
    this.#found.delimiterLine(this.#release())
    return true
  }

  #mayBeHex(isLast: boolean): void {
    const text = this.#text
    const at = this.#at
    if (text[at + 1] !== LOWER_X || isWordByte[text[at - 1] ?? this.#previous] === 1) {
      this.#at += 1
      return
    }
    let end = at + 2
    while (end - at - 2 < LONG_HEX && isHexDigit[text[end] ?? 0] === 1) end += 1
    if (end - at - 2 < LONG_HEX) {
      if (isLast || end < text.length) this.#at = end
      return
    }
    this.#keep(at)
    this.#at = this.#from = at + 2
    this.#isHex = true
    this.#found.hex(Buffer.alloc(0), true, false)
  }

  #inHex(): void {
    const text = this.#text
    const { length } = text
    let end = this.#at
    while (end < length && isHexDigit[text[end] ?? 0] === 1) end += 1
    const digits = text.subarray(this.#from, end)
    this.#at = this.#from = end
    if (end < length) this.#hexEnds(digits)
    else this.#found.hex(digits, false, false)
  }

  #hexEnds(digits: Buffer): void {
    this.#isHex = false
    this.#found.hex(digits, false, true)
  }

  #isAt(what: Buffer, at: number): boolean {
    return what.length === 1 || what.equals(this.#text.subarray(at, at + what.length))
  }
}

function plainBytes(delimiter: number): Uint8Array {
  const plain = new Uint8Array(256).fill(1)
  for (const byte of [QUOTE, DOUBLE_QUOTE, BACKTICK, BACKSLASH, HASH, MINUS, SLASH, ZERO, delimiter]) {
    plain[byte] = 0
  }
  return plain
}

function isSpace(byte: number | undefined): boolean {
  return byte === undefined || byte <= 0x20
}

function tooLong(): BackupError {
  return new BackupError('E_DUMP', 'The dump has a statement of more than 64 MiB that is not of rows.', {
    advice: 'It was not made by a dump program: extract it with --to and load it by hand.',
  })
}
