import { styleText } from 'node:util'
import type { Writable } from 'node:stream'

/** Writes a warning or error as one line for people, in colour where `stream` is a terminal that wants it. */
export function tellPeople(stream: Writable, record: Readonly<Record<string, unknown>>): void {
  const warning = record['level'] === 'warn'
  const label = styleText(warning ? 'yellow' : 'red', warning ? 'warning:' : 'error:', { stream })
  stream.write(`${label} ${sentence(record)}\n`)
}

/** The message, then the error's own where it says more, its code and its advice. */
function sentence({ msg, err }: Readonly<Record<string, unknown>>): string {
  const error = typeof err === 'object' && err !== null ? (err as Record<string, unknown>) : {}
  const words = [msg, error['message'] === msg ? undefined : error['message']].filter(
    (word) => typeof word === 'string',
  )
  const parts = [words.join(': '), typeof error['code'] === 'string' ? `(${error['code']})` : '', error['advice']]
  return parts
    .filter((part) => typeof part === 'string' && part !== '')
    .join(' ')
    .replaceAll(/\p{Cc}+/gu, ' ')
}
