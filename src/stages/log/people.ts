import { styleText } from 'node:util'
import type { Writable } from 'node:stream'
import { visible } from './visible.ts'

const LABELS: Readonly<Record<string, readonly [Parameters<typeof styleText>[0], string]>> = {
  trace: ['dim', 'debug:'],
  debug: ['dim', 'debug:'],
  info: ['dim', 'info:'],
  warn: ['yellow', 'warning:'],
}

/** Writes a line of the log as one line for people, in colour where `stream` is a terminal that wants it. */
export function tellPeople(stream: Writable, record: Readonly<Record<string, unknown>>): void {
  const [format, word] = LABELS[String(record['level'])] ?? ['red', 'error:']
  const label = styleText(format, word, { stream })
  stream.write(`${label} ${sentence(record)}\n`)
}

/** The message, then the error's own where it says more, its code and its advice. */
function sentence({ msg, err }: Readonly<Record<string, unknown>>): string {
  const error = typeof err === 'object' && err !== null ? (err as Record<string, unknown>) : {}
  const words = [msg, error['message'] === msg ? undefined : error['message']].filter(
    (word) => typeof word === 'string',
  )
  const parts = [words.join(': '), typeof error['code'] === 'string' ? `(${error['code']})` : '', error['advice']]
  return visible(parts.filter((part) => typeof part === 'string' && part !== '').join(' '))
}
