/** What the far side of a stream can show: its width, colours, and more than ASCII. */

import { styleText } from 'node:util'

export interface Style {
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number
  readonly color: boolean
  /** Signs beyond ASCII can be shown. */
  readonly unicode: boolean
}

export type Format = Parameters<typeof styleText>[0]

/** A stream that people may read: a terminal, a pipe or a file. */
export type TextStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  readonly writableNeedDrain?: boolean
}

export interface Signs {
  /** As wide as each other. */
  readonly ok: string
  readonly bad: string
  readonly look: string
  readonly unknown: string
  readonly arrow: string
  readonly ellipsis: string
  readonly barDone: string
  readonly barRest: string
}

const UNICODE: Signs = {
  ok: '✔',
  bad: '✘',
  look: '!',
  unknown: '?',
  arrow: '→',
  ellipsis: '…',
  barDone: '━',
  barRest: '─',
}

const ASCII: Signs = {
  ok: '[ok]',
  bad: '[!!]',
  look: '[ !]',
  unknown: '[ ?]',
  arrow: '->',
  ellipsis: '...',
  barDone: '#',
  barRest: '.',
}

/**
 * The style of a stream. Colours follow Node's own rule (`util.styleText` with `validateStream`): a terminal that has
 * them, NO_COLOR and FORCE_COLOR honoured. Signs beyond ASCII are for terminals only, as a file or a pipe is often read
 * with another code page; on Windows for the terminals that are known to have them, elsewhere where the locale is
 * UTF-8.
 */
export function styleOf(
  stream: TextStream,
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): Style {
  return {
    // A terminal whose size nobody has set says 0.
    columns: stream.columns === undefined || stream.columns < 1 ? 80 : stream.columns,
    color: styleText('bold', 'x', { stream, validateStream: true }) !== 'x',
    unicode: stream.isTTY === true && showsUnicode(env, platform),
  }
}

function showsUnicode(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (platform === 'win32') return [env.WT_SESSION, env.TERM_PROGRAM, env.ConEmuTask, env.TERM].some(isSet)
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find(isSet) ?? ''
  return /utf-?8/i.test(locale) && env.TERM !== 'linux'
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}

export function signsOf(style: Style): Signs {
  return style.unicode ? UNICODE : ASCII
}

/** The text in a colour, where there are colours. */
export function paint(style: Style, format: Format, text: string): string {
  return style.color ? styleText(format, text, { validateStream: false }) : text
}
