/** Numbers as people read them: English, with binary units. */
import type { DicomCounts } from '../../stages/dicom/counts.ts'
import { formatBytes, threeDigits } from '../../stages/text/bytes.ts'

export { formatBytes, formatFree } from '../../stages/text/bytes.ts'

/** Made when it is needed: it takes 10 ms, and every command loads this file. */
let integers: Intl.NumberFormat | null = null

/** '1,003,211' */
export function formatCount(count: number): string {
  integers ??= new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
  return integers.format(count)
}

/** '1 file', '1,003,211 files' */
export function formatFiles(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`
}

/**
 * What a person should know of `files` files: that none is DICOM, or that some do not name their study. Null when there
 * is nothing to say, or `dicom` is null, for not known.
 */
export function formatDicom(files: number, dicom: DicomCounts | null): string | null {
  if (files === 0 || dicom === null) return null
  if (dicom.files === 0) {
    return `${files === 1 ? 'the file is not' : `none of the ${formatFiles(files)} is`} a DICOM file: check dicom.root`
  }
  if (dicom.withoutStudy === 0) return null
  if (dicom.files === 1) return 'the DICOM file has no study UID'
  const all = `${formatCount(dicom.files)} DICOM files`
  if (dicom.withoutStudy === dicom.files) return `none of the ${all} has a study UID`
  return `${formatCount(dicom.withoutStudy)} of ${all} ${dicom.withoutStudy === 1 ? 'has' : 'have'} no study UID`
}

/** '41.2 MiB/s', from bytes a second. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** '42.3 %' from 0.423. Rounded down, so that it says '100 %' only of the whole. */
export function formatPercent(fraction: number): string {
  if (fraction >= 1) return '100 %'
  return `${(Math.floor(fraction * 1000) / 10).toFixed(1)} %`
}

/** '2.04:1', how many bytes of files became one byte of archive; null when it was none. */
export function formatRatio(original: number, archived: number): string | null {
  return archived > 0 && original >= archived ? `${threeDigits(original / archived)}:1` : null
}

/** '<1 s', '12 s', '4 min 5 s', '2 h 5 min', '3 d 4 h', from ms, rounded down: the two largest units that are not 0. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 1) return '<1 s'
  const parts: (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

/** A time to come, from ms, in steps so coarse that it stands still enough to be read: 5 s, 10 s, 1 min, 5 min, 1 h. */
export function formatTimeLeft(ms: number): string {
  const seconds = ms / 1000
  const step = seconds < 60 ? 5 : seconds < 600 ? 10 : seconds < 7200 ? 60 : seconds < 86_400 ? 300 : 3600
  return `about ${formatDuration(Math.max(step, Math.round(seconds / step) * step) * 1000)} left`
}

/** '1.20 GiB', or '0 B to 1.20 GiB' when the values differ as people read them; at least one value. */
export function formatRange(values: readonly number[], format: (value: number) => string): string {
  const [least, most] = [format(Math.min(...values)), format(Math.max(...values))]
  return least === most ? least : `${least} to ${most}`
}

/** '2026-03-04 12:00:05' in the machine's own time zone, from an ISO 8601 time or ms since 1970. */
export function formatLocalTime(time: string | number): string {
  const date = new Date(time)
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** '2026-03-04 12:00', as above. */
export function formatLocalMinute(time: string | number): string {
  return formatLocalTime(time).slice(0, 16)
}
