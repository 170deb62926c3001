import { BackupError } from '../../../pipeline/contract/errors.ts'

const QUOTE = 0x27
const BACKSLASH = 0x5c
const BEGIN = Buffer.from("_binary'")

/**
 * Long hexadecimal literals as binary text, in pieces: `0x…` has two digits for each byte, so that a row which the server
 * held could not be loaded into it. Nothing needs to be escaped for the client program in binary mode but the quote.
 */
export function hexAsText(): (digits: Buffer, first: boolean, last: boolean, backslashEscapes: boolean) => Buffer {
  let odd = ''
  return (digits, first, last, backslashEscapes) => {
    const text = odd + digits.toString('latin1')
    const even = text.length - (text.length % 2)
    odd = text.slice(even)
    if (last && odd !== '') throw oddDigits()
    const bytes = escaped(Buffer.from(text.slice(0, even), 'hex'), backslashEscapes)
    return Buffer.concat([first ? BEGIN : Buffer.alloc(0), bytes, last ? Buffer.from("'") : Buffer.alloc(0)])
  }
}

function escaped(bytes: Buffer, backslashEscapes: boolean): Buffer {
  let count = 0
  for (const byte of bytes) if (byte === QUOTE || (byte === BACKSLASH && backslashEscapes)) count += 1
  if (count === 0) return bytes
  const made = Buffer.allocUnsafe(bytes.length + count)
  let at = 0
  for (const byte of bytes) {
    if (byte === QUOTE || (byte === BACKSLASH && backslashEscapes)) made[at++] = byte
    made[at++] = byte
  }
  return made
}

function oddDigits(): BackupError {
  return new BackupError('E_DUMP', 'The dump has a binary value with half a byte: no dump program writes one.', {
    advice: 'Extract the dump with --to and look at it before you load it.',
  })
}
