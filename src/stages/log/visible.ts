/**
 * Text of any origin (a file's name, a service's answer, a database's words, a setting) made fit to be shown: the one
 * place that the display, results and the log go through.
 */
import { stripVTControlCharacters } from 'node:util'
import { redact } from '../text/redact.ts'

/** Control characters, line and paragraph separators, and what turns the direction of writing. */
const STEERING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu
/** Those of them that JSON leaves as they are. */
const STEERING_IN_JSON = /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu
/** Colours, as `paint` writes them. */
const COLOR = /(\u001b\[[\d;]*m)/

/** Names and places in results, which a script compares: they are ours or the person's own, and hold no secret. */
const NAMES: ReadonlySet<string> = new Set([
  'archive',
  'base',
  'code',
  'database',
  'file',
  'folder',
  'from',
  'in',
  'key',
  'name',
  'path',
  'patientId',
  'remoteId',
  'remotePath',
  'runId',
  'seriesUid',
  'status',
  'studyUid',
  'to',
  'type',
])

/** One line: no secret, no control sequence, no line break. */
export function visible(text: string): string {
  return redact(stripVTControlCharacters(text).replace(STEERING, ' ').toWellFormed()).trim()
}

/** As `visible`, but line breaks stay line breaks. Lines with nothing on them are left out. */
export function visibleLines(text: string): string[] {
  // As a whole first: a key has several lines.
  return redact(stripVTControlCharacters(text))
    .split(/\r\n|\r|\n/)
    .map(visible)
    .filter((line) => line !== '')
}

/** A text that was laid out for a terminal, once more as a whole: its line breaks and colours stay. */
export function visibleLayout(text: string): string {
  return redact(text)
    .split('\n')
    .map((line) =>
      line
        .split(COLOR)
        .map((piece, n) => (n % 2 === 1 ? piece : piece.replace(STEERING, ' ')))
        .join(''),
    )
    .join('\n')
}

/** A result as JSON in one line: no secret in its texts, and nothing that a terminal obeys. */
export function visibleJson(value: unknown): string {
  return inJson(
    JSON.stringify(value, (key, inner: unknown) =>
      typeof inner === 'string' && !NAMES.has(key) ? redact(inner) : inner,
    ),
  )
}

/** JSON that says the same, and in which nothing steers a terminal. */
export function inJson(json: string): string {
  return json.replace(STEERING_IN_JSON, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
