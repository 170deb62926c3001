/** A number for people; `unknown` for NaN. Without `digits`, with about four of them. */
export function figure(value: number, digits: number | null = null): string {
  if (Number.isNaN(value)) return 'unknown'
  return value.toFixed(digits ?? (value >= 1000 ? 0 : value >= 10 ? 1 : 3))
}
