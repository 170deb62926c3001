import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { figure } from './table.ts'
import type { CaseResult, Row } from './types.ts'

const FOLDER = path.resolve(import.meta.dirname, '../results')

/** Less than this share is the machine's own noise, whatever the runs say. */
const LEAST_NOISE = 0.05

export function saveResult(result: CaseResult): void {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(path.join(FOLDER, `${result.name}.json`), `${JSON.stringify(result, null, 2)}\n`)
}

/** The result that was committed last; null when there is none. */
export function committedResult(name: string): CaseResult | null {
  try {
    const json = execFileSync('git', ['show', `HEAD:./${name}.json`], {
      cwd: FOLDER,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return JSON.parse(json.toString()) as CaseResult
  } catch {
    return null
  }
}

/**
 * What of ours fell behind an earlier result by more than the noise of both. On another machine, or with another Node,
 * only the ratios to peers and limit are compared.
 */
export function fallenBehind(now: CaseResult, before: CaseResult): string[] {
  const [ours] = now.rows
  const [oursBefore] = before.rows
  if (ours === undefined || oursBefore?.name !== ours.name) return []
  const isSame = JSON.stringify(now.machine) === JSON.stringify(before.machine)
  const behind: string[] = []
  const compare = (what: string, value: number, was: number, noise: number): void => {
    const worse = now.better === 'higher' ? was / value - 1 : value / was - 1
    if (worse > noise) behind.push(`${now.name}: ${what} ${figure(value)}, was ${figure(was)}`)
  }
  if (isSame) compare(`${ours.name}, ${now.unit}`, ours.value.median, oursBefore.value.median, noise(ours, oursBefore))
  for (const row of now.rows.slice(1)) {
    const rowBefore = before.rows.find(({ name }) => name === row.name)
    if (rowBefore === undefined) continue
    const ratio = ours.value.median / row.value.median
    const ratioBefore = oursBefore.value.median / rowBefore.value.median
    compare(`${ours.name} ÷ ${row.name}`, ratio, ratioBefore, noise(ours, oursBefore, row, rowBefore))
  }
  const peak = ours.peakBytes ?? 0
  const peakBefore = oursBefore.peakBytes ?? Infinity
  if (peak > peakBefore * 1.1) behind.push(`${now.name}: peak ${peak} bytes, was ${peakBefore}`)
  return behind
}

/** The sum of how far each row's runs lay apart, as a share of its median. */
function noise(...rows: readonly Row[]): number {
  const spreads = rows.map(({ value }) => (value.max - value.min) / value.median / 2)
  return Math.max(
    LEAST_NOISE,
    spreads.reduce((sum, one) => sum + one, 0),
  )
}
