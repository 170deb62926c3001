export const KiB = 1024
export const MiB = 1024 * 1024

const FORM = /^(\d+(?:\.\d+)?)\s*(?:([kmg])(?:i?b)?|b|bytes)?$/i
const UNITS: Readonly<Record<string, number>> = { k: KiB, m: MiB, g: 1024 * MiB }

/**
 * Bytes of '8MiB', '16 MB', '512k' or a plain number; null when it is no size or no whole number of bytes. KB, MB and
 * GB count in 1024s like KiB, MiB and GiB, as Windows and MySQL use them: the services' part sizes are such numbers.
 */
export function parseSize(written: string | number): number | null {
  const match = FORM.exec(String(written).trim())
  if (match === null) return null
  const bytes = Number(match[1]) * (UNITS[match[2]?.toLowerCase() ?? ''] ?? 1)
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** In the largest unit that leaves a whole number: '8MiB', '256KiB', '1000 bytes'. */
export function sizeText(bytes: number): string {
  if (bytes > 0 && bytes % MiB === 0) return `${bytes / MiB}MiB`
  if (bytes > 0 && bytes % KiB === 0) return `${bytes / KiB}KiB`
  return `${bytes} bytes`
}
