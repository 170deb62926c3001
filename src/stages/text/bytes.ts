/** Sizes as people read them, the same in messages, tables and progress. */

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const

/** '0 B', '1023 B', '1.00 KiB', '41.2 MiB', '588 GiB': three digits, and four only from 1000 to 1023. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`
  let value = bytes
  let unit = -1
  do {
    value /= 1024
    unit++
  } while (Math.round(value) >= 1024 && unit < UNITS.length - 1)
  return `${threeDigits(value)} ${UNITS[unit] ?? ''}`
}

/** '2.04', '41.2', '588'. */
export function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2)
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0)
}

/** Space that is left, in bytes; null: no limit is known. */
export function formatFree(bytes: number | null): string {
  return bytes === null ? 'no limit on space' : `${formatBytes(bytes)} free`
}
