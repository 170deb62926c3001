/**
 * The grid of due times: the full hours of local time that are a multiple of the interval, counted from midnight.
 */

export type Interval = '1h' | '3h' | '6h' | '12h' | '24h'

const HOUR_MS = 3_600_000
/** The hourly job may come this early: its slot is served all the same, and not an hour late. ms. */
export const EARLY_MS = 5 * 60_000

/** The length of an interval in hours. */
export function hoursOf(every: Interval): number {
  return Number(every.slice(0, -1))
}

/** The length of an interval in ms. */
export function intervalMs(every: Interval): number {
  return hoursOf(every) * HOUR_MS
}

/**
 * The first slot of the grid after `after`, in the machine's time zone. A slot that the clock jumps over in spring
 * comes when it has jumped. An hour that comes twice in autumn holds its slot once, the first time; with `1h`, where
 * every hour is one, twice.
 */
export function nextSlot(every: Interval, after: Date): Date {
  const step = hoursOf(every)
  const [year, month, day] = [after.getFullYear(), after.getMonth(), after.getDate()]
  for (let hour = step; ; hour += step) {
    // Hours past 23 are those of the next day.
    const slot = new Date(year, month, day, hour)
    if (slot <= after) continue
    const hourBefore = new Date(slot.getTime() - HOUR_MS)
    return every === '1h' && hourBefore > after ? hourBefore : slot
  }
}

/** The slot that a run which begins at `at` serves: the last one that has come by then, or comes within 5 minutes. */
export function slotOf(every: Interval, at: Date): Date {
  const until = new Date(at.getTime() + EARLY_MS)
  let slot = new Date(until.getFullYear(), until.getMonth(), until.getDate() - 1)
  for (;;) {
    const next = nextSlot(every, slot)
    if (next > until) return slot
    slot = next
  }
}

/** When the next run is due after one that began at `begun`, however long it took. */
export function dueAfter(every: Interval, begun: Date): Date {
  return nextSlot(every, slotOf(every, begun))
}
