import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { CaseResult } from './types.ts'

/** What was measured last. */
export const RESULTS = path.resolve(import.meta.dirname, '../results')
/** What nothing may fall behind: it stays until it is pinned anew, so that many small losses add up. */
export const BASELINE = path.resolve(import.meta.dirname, '../baseline')

export function saveResult(folder: string, result: CaseResult): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(fileOf(folder, result.name), `${JSON.stringify(result, null, 2)}\n`)
}

/** Null when there is none. Throws when it cannot be read. */
export function readResult(folder: string, name: string): CaseResult | null {
  const file = fileOf(folder, name)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8'), revived) as CaseResult) : null
}

/** JSON has no NaN. */
const revived = (key: string, value: unknown): unknown =>
  value === null && ['median', 'min', 'max', 'reached'].includes(key) ? NaN : value

const fileOf = (folder: string, name: string): string => path.join(folder, `${name}.json`)
