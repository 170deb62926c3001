const two = (n: number): string => String(n).padStart(2, '0')

/** A moment as the viewer's PHP writes it into a DATETIME: the machine's local time, 2026-11-23 12:00:00. */
export function toDatetime(at: Date): string {
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** The moment that a DATETIME's text means; null when it means none: NULL, 0000-00-00. In the hour that comes twice the first. */
export function fromDatetime(text: unknown): Date | null {
  if (typeof text !== 'string') return null
  const found = /^(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d))?/.exec(text)
  if (found === null) return null
  const [, year = '0', month = '0', day = '0', hour = '0', minute = '0', second = '0'] = found
  if (Number(year) === 0 || Number(month) === 0 || Number(day) === 0) return null
  return new Date(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}
