const two = (n: number): string => String(n).padStart(2, '0')

/** A moment as ISO 8601 with the local offset, to the second: 2026-11-23T12:00:00+01:00. */
export function isoLocal(at: Date): string {
  const offset = -at.getTimezoneOffset()
  const sign = offset < 0 ? '-' : '+'
  const zone = `${sign}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
  const shifted = new Date(at.getTime() + offset * 60_000)
  return `${shifted.toISOString().slice(0, 19)}${zone}`
}
