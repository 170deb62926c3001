import type { Goal, GoalResult, Row } from './types.ts'

class NotMeasured extends Error {}

/**
 * What became of the goals. One whose contender has no row is missed, unless only some contenders were asked for: then
 * it is left out.
 */
export function goalsOf(goals: readonly Goal[], rows: readonly Row[], isPartial: boolean): GoalResult[] {
  const row = (name: string): Row => {
    const found = rows.find((one) => one.name === name)
    if (found === undefined) throw new NotMeasured(name)
    return found
  }
  return goals.flatMap(({ reached, ...goal }) => {
    try {
      const value = reached(row)
      const { atLeast = -Infinity, atMost = Infinity } = goal
      // Not `>` and `<` the other way round: NaN is within no limit.
      return [{ ...goal, reached: value, met: value >= atLeast && value <= atMost }]
    } catch (error) {
      if (!(error instanceof NotMeasured)) throw error
      return isPartial ? [] : [{ ...goal, reached: NaN, met: false }]
    }
  })
}

/** Those that fail the benchmark. */
export const missed = (goals: readonly GoalResult[]): GoalResult[] =>
  goals.filter(({ met, known }) => !met && known === undefined)
