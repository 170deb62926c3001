import { Writable } from 'node:stream'
import { WriteStream } from 'node:tty'

interface Row {
  text: string
  /** The terminal broke the line here; there was no line break in what was written. */
  broken: boolean
}

/**
 * A terminal to write to: keeps what was written, and what a person would see of it, however far up. Knows the control
 * sequences that are used, throws at others, and breaks long lines anew when it is resized, as terminals do.
 */
export class FakeTerminal extends Writable {
  readonly isTTY = true
  columns: number
  rows: number
  written = ''
  writes = 0
  private screen: Row[] = [{ text: '', broken: false }]
  private x = 0
  private y = 0

  constructor(columns: number, rows = 30) {
    super({ decodeStrings: false })
    this.columns = columns
    this.rows = rows
  }

  /** What people see, without empty lines at its end. */
  get seen(): string {
    return this.screen
      .map(({ text }) => text.trimEnd())
      .join('\n')
      .trimEnd()
  }

  /** Node's own rule of what a terminal can show, NO_COLOR included; a CI's own rule is not a person's. */
  getColorDepth(): number {
    const { CI: _, ...env } = process.env
    return WriteStream.prototype.getColorDepth.call(this, { ...env, TERM: 'xterm-256color' })
  }

  /** What was written since the last call. */
  take(): string {
    const { written } = this
    this.written = ''
    return written
  }

  resize(columns: number): void {
    this.columns = columns
    this.row.broken = false
    const cursor = this.y
    const before = this.screen
    this.screen = []
    let whole = ''
    before.forEach(({ text, broken }, index) => {
      if (index === cursor) this.y = this.screen.length
      whole += text
      if (broken) return
      for (let at = 0; at === 0 || at < whole.length; at += columns) {
        this.screen.push({ text: whole.slice(at, at + columns), broken: at + columns < whole.length })
      }
      whole = ''
    })
    this.emit('resize')
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk
    this.writes++
    for (const [sequence] of chunk.matchAll(/\u001b\[[?\d;]*[A-Za-z]|[^]/gu)) this.obey(sequence)
    done()
  }

  private obey(sequence: string): void {
    const count = Number(/\d+/.exec(sequence)?.[0] ?? 1)
    if (sequence === '\n') {
      this.row.broken = false
      this.down()
    } else if (sequence === '\r' || sequence === '\u001b[G') this.x = 0
    else if (!sequence.startsWith('\u001b')) this.put(sequence)
    else if (sequence.endsWith('A')) this.y = Math.max(0, this.y - count)
    else if (sequence.endsWith('B')) this.y += count
    else if (sequence === '\u001b[2K') this.row.text = ''
    else if (sequence === '\u001b[K') this.row.text = this.row.text.slice(0, this.x)
    else if (sequence === '\u001b[J') this.screen = [...this.screen.slice(0, this.y), { text: '', broken: false }]
    else if (!/m$|^\u001b\[\?2026[hl]$/.test(sequence)) throw new Error(`unknown sequence ${JSON.stringify(sequence)}`)
  }

  private get row(): Row {
    while (this.screen.length <= this.y) this.screen.push({ text: '', broken: false })
    const row = this.screen[this.y]
    if (row === undefined) throw new Error('unreachable')
    return row
  }

  private down(): void {
    this.y++
    this.x = 0
  }

  private put(character: string): void {
    if (this.x >= (this.columns || 80)) {
      this.row.broken = true
      this.down()
    }
    const { row } = this
    row.text = row.text.padEnd(this.x).slice(0, this.x) + character + row.text.slice(this.x + 1)
    this.x++
  }
}
