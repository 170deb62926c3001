/** The prefix of the archives that the viewer's own PHP script has made; ours has it by default. */
const PHP_PREFIX = 'dicom_backup'

const TIME = /^_(\d{4})-(\d\d)-(\d\d)_(\d\d)-(\d\d)-(\d\d)\.zip$/

/**
 * When an archive was begun by its name, which has the local time of the machine that made it, taken for this machine's.
 * So it is a day off at most, after a change of zone, or wrong by any amount where that machine's clock was. Null when it
 * is no name that we, or the viewer's PHP script, would have given.
 */
export function timeInName(name: string, prefix: string): Date | null {
  for (const start of [prefix, PHP_PREFIX]) {
    const found = name.startsWith(start) ? TIME.exec(name.slice(start.length)) : null
    if (found === null) continue
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number)
    const isTime = month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second < 60
    return isTime ? new Date(year, month - 1, day, hour, minute, second) : null
  }
  return null
}
