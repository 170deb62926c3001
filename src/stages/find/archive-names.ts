/** The prefix of the archives that the viewer's own PHP script has made; ours has it by default. */
const PHP_PREFIX = 'dicom_backup'

const TIME = /^_(\d{4}-\d{2}-\d{2})_(\d{2}-\d{2}-\d{2})\.zip$/

/**
 * When an archive was begun, by its name, as text whose order is that of time: '2026-11-23 12-00-00', in the local time
 * of the machine that made it. Null when the name is not that of an archive with this prefix, nor of the PHP script's.
 */
export function timeInName(name: string, prefix: string): string | null {
  for (const start of [prefix, PHP_PREFIX]) {
    const [, date, time] = name.startsWith(start) ? (TIME.exec(name.slice(start.length)) ?? []) : []
    if (date !== undefined && time !== undefined) return `${date} ${time}`
  }
  return null
}

/** Names of archives, newest first; other names are left out. */
export function newestFirst(names: Iterable<string>, prefix: string): string[] {
  const times = [...new Set(names)].flatMap((name) => {
    const time = timeInName(name, prefix)
    return time === null ? [] : [{ name, time }]
  })
  return times.sort((a, b) => compare(b.time, a.time) || compare(a.name, b.name)).map(({ name }) => name)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
