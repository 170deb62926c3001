/**
 * The words of Windows programs. A localized Windows writes them in a code page: its own programs (schtasks) in the one of
 * the console (OEM), others (mysqldump) in that of the system (ANSI).
 */
import { execFileSync } from 'node:child_process'
import { systemProgram } from './system-program.ts'

/** The characters of bytes 0x80 to 0xFF, for code pages that TextDecoder has not. */
const HIGH: Readonly<Record<number, string>> = {
  437: 'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00A0',
  850: 'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00AD±‗¾¶§÷¸°¨·¹³²■\u00A0',
  852: 'ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u00AD˝˛ˇ˘§÷¸°¨˙űŘř■\u00A0',
  858: 'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00AD±‗¾¶§÷¸°¨·¹³²■\u00A0',
}

/** Labels of the Encoding standard for those that it has: https://encoding.spec.whatwg.org/#names-and-labels */
const LABELS: Readonly<Record<number, string>> = {
  866: 'ibm866',
  874: 'windows-874',
  932: 'shift_jis',
  936: 'gbk',
  949: 'euc-kr',
  950: 'big5',
}

/** Text that is UTF-8, or else in the code page of this number. Never throws: what is unknown shows as `�`. */
export function decode(bytes: Uint8Array, page: () => number | null): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return inPage(bytes, page() ?? 0)
  }
}

function inPage(bytes: Uint8Array, page: number): string {
  const high = HIGH[page]
  if (high !== undefined) {
    return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : (high[byte - 0x80] ?? '�'))).join('')
  }
  const isWindows = page >= 1250 && page <= 1258
  return new TextDecoder(LABELS[page] ?? (isWindows ? `windows-${page}` : 'utf-8')).decode(bytes)
}

/** What a program of this machine wrote. `of`: 'OEMCP' for the console's code page, 'ACP' for the system's. */
export function wordsOf(bytes: Uint8Array, of: 'OEMCP' | 'ACP'): string {
  return decode(bytes, () => (process.platform === 'win32' ? codePage(of) : null))
}

const PAGES = 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Nls\\CodePage'

/** Null when it cannot be found out. */
function codePage(name: 'OEMCP' | 'ACP'): number | null {
  try {
    const said = execFileSync(systemProgram('reg.exe'), ['query', PAGES, '/v', name], {
      encoding: 'latin1',
      timeout: 5000,
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return pageIn(said, name)
  } catch {
    return null
  }
}

/** The number in what `reg query` says: `    ACP    REG_SZ    1252`. */
export function pageIn(said: string, name: string): number | null {
  const found = new RegExp(`^\\s*${name}\\s+REG_SZ\\s+(\\d+)`, 'm').exec(said)
  return found === null ? null : Number(found[1])
}
