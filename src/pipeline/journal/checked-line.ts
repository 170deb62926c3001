/**
 * One value as one line that tells whether it is whole: the CRC-32 of the JSON text in 8 hex digits, a space, the JSON
 * text, a line feed. JSON text holds no line feed, so the first one ends the line.
 */
import { crc32 } from 'node:zlib'
import { BackupError } from '../contract/errors.ts'

const NEWLINE = 0x0a
const SPACE = 0x20
const SUM_CHARS = 8

/**
 * The line of a value, with its line feed. One shorter than `bytes` is filled up to it with spaces behind the JSON text;
 * the checksum covers them. Throws E_INTERNAL when JSON has no text for the value.
 */
export function formatLine(value: unknown, bytes = 0): Buffer {
  const json = JSON.stringify(value) as string | undefined
  if (json === undefined) throw new BackupError('E_INTERNAL', 'A value cannot be written as JSON.')
  const room = bytes - SUM_CHARS - 2 - Buffer.byteLength(json)
  const text = json + ' '.repeat(Math.max(0, room))
  return Buffer.from(`${checksum(text)} ${text}\n`)
}

/** The value of a line that ends with its line feed, or undefined when that is not what was written. */
export function parseLine(line: Buffer): unknown {
  if (line.length <= SUM_CHARS + 2 || line[SUM_CHARS] !== SPACE || line.at(-1) !== NEWLINE) return undefined
  const text = line.subarray(SUM_CHARS + 1, -1)
  if (line.toString('latin1', 0, SUM_CHARS) !== checksum(text)) return undefined
  try {
    return JSON.parse(text.toString())
  } catch {
    return undefined
  }
}

function checksum(text: string | Uint8Array): string {
  return crc32(text).toString(16).padStart(SUM_CHARS, '0')
}
