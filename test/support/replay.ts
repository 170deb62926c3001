/** KILL_CASE: the one case of a loop that is to run again, in the words of the failure that told them. */
import assert from 'node:assert/strict'
import { after } from 'node:test'

const WANTED = process.env['KILL_CASE']
let isFound = false

/** Whether all cases are to run, as usual. */
export const isWhole = WANTED === undefined

/** Whether a case is to run. */
export function isWanted(words: string): boolean {
  if (WANTED === words) isFound = true
  return WANTED === undefined || WANTED === words
}

/** The number of the one archive that is to run, where the words are those of a number and not of a fault. */
export function wantedNumber(): number | null {
  if (WANTED === undefined || !/^\d+$/.test(WANTED)) return null
  isFound = true
  return Number(WANTED)
}

// Else a word that is mistyped makes a file that has tried nothing pass.
if (WANTED !== undefined) {
  after(() => {
    assert.ok(isFound, `No case of this file is '${WANTED}' (KILL_CASE).`)
  })
}
