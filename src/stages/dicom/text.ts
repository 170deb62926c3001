/** Text values of a data set: padding taken off, decoded by the data set's Specific Character Set. */

/** PS3.3 C.12.1.1.2: the number in a defined term ('ISO_IR 100', 'ISO 2022 IR 100') → the decoder that reads it. */
const DECODERS: Readonly<Record<string, string>> = {
  '13': 'shift_jis',
  '58': 'gbk',
  '87': 'iso-2022-jp',
  '100': 'windows-1252',
  '101': 'iso-8859-2',
  '109': 'iso-8859-3',
  '110': 'iso-8859-4',
  '126': 'iso-8859-7',
  '127': 'iso-8859-6',
  '138': 'iso-8859-8',
  '144': 'iso-8859-5',
  '148': 'windows-1254',
  '149': 'euc-kr',
  '159': 'iso-2022-jp',
  '166': 'windows-874',
  '192': 'utf-8',
  '203': 'iso-8859-15',
  '18030': 'gb18030',
  GBK: 'gbk',
}

/** PS3.5 6.1.2.5.3: switches to a Korean or Chinese set. Their decoders know these sets without being told. */
const TWO_BYTE_ESCAPES = /\x1b\$\)[AC]/g
const PLAIN = /^[\x00-\x1a\x1c-\x7f]*$/

/**
 * A value without its padding (spaces at both ends, everything from the first NUL on), or null when nothing is left.
 * `characterSet` is the value of (0008,0005), null where the data set has none.
 */
export function decodeText(value: Buffer, characterSet: string | null): string | null {
  const end = value.indexOf(0)
  const raw = value.toString('latin1', 0, end === -1 ? value.length : end)
  const text = (PLAIN.test(raw) ? raw : decode(raw, characterSet)).trim()
  return text === '' ? null : text
}

function decode(raw: string, characterSet: string | null): string {
  // With code extensions the first set is the one in force until an escape sequence names another.
  const sets = (characterSet ?? '').split('\\')
  const set = (raw.includes('\x1b') ? sets.at(-1) : sets[0]) ?? ''
  const label = DECODERS[/\d+\s*$|GBK/.exec(set)?.[0].trim() ?? '']
  const bytes = Buffer.from(raw.replace(TWO_BYTE_ESCAPES, ''), 'latin1')
  if (label !== undefined) return new TextDecoder(label).decode(bytes)
  // No set, or one nobody knows: what writers put there in practice is UTF-8 or Latin-1.
  const utf8 = bytes.toString()
  return utf8.includes('\uFFFD') ? bytes.toString('latin1') : utf8
}

/** A date as YYYY-MM-DD; null when it is none. PS3.5 6.2: YYYYMMDD; before 1993 with dots between. */
export function dateOf(text: string | null): string | null {
  const [, year, month, day] = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(text ?? '') ?? []
  return day === undefined ? null : `${year ?? ''}-${month ?? ''}-${day}`
}
