/**
 * Text by the columns it takes on a terminal. Wide characters count two, as in Unicode Standard Annex #11 (East Asian
 * Width), combining and invisible ones none.
 */

import { stripVTControlCharacters } from 'node:util'

export { visible as clean, visibleLines as cleanLines } from '../../stages/log/visible.ts'

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/
const INVISIBLE = /^[\p{Mark}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]+$/u
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u
const EMOJI = /^\p{Emoji_Presentation}|\ufe0f/u
/** Made when it is needed: most text is ASCII, and every command loads this file. */
let segmenter: Intl.Segmenter | null = null

function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

function graphemeWidth(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0
  // Halfwidth Katakana's voicing marks join their letter, but stand in a column of their own.
  const marks = grapheme.match(/[\uff9e\uff9f]/g)?.length ?? 0
  return marks + (WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1)
}

/** The columns that one line of text takes; its colours take none. */
export function visibleWidth(text: string): number {
  const bare = stripVTControlCharacters(text)
  if (PRINTABLE_ASCII.test(bare)) return bare.length
  let width = 0
  for (const { segment } of graphemesOf(bare)) width += graphemeWidth(segment)
  return width
}

/** Uncoloured text, cut with `ellipsis` at its end when it takes more than `width` columns. */
export function truncate(text: string, width: number, ellipsis: string): string {
  if (visibleWidth(text) <= width) return text
  const room = width - visibleWidth(ellipsis)
  let kept = ''
  let used = 0
  for (const { segment } of graphemesOf(text)) {
    used += graphemeWidth(segment)
    if (used > room) break
    kept += segment
  }
  return kept.trimEnd() + ellipsis
}

/**
 * Uncoloured text in lines of at most `width` columns, broken at spaces. A longer word (a path) keeps a line to itself,
 * whole.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && visibleWidth(longer) > width) {
      lines.push(line.trimEnd())
      line = word
    } else {
      line = longer
    }
  }
  lines.push(line)
  return lines
}
