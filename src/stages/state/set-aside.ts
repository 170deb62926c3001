/** Damaged files of the state folder: kept under another name, and replaced by empty ones. */
import { copyFileSync, existsSync, truncateSync } from 'node:fs'
import { renameOverSync } from '../../pipeline/files/rename.ts'
import { archiveName } from '../contract/archive-name.ts'

/** 'state.sqlite' becomes 'state.sqlite.damaged_2026-11-23_12-00-00', with a number behind it when that is taken. */
function freeName(file: string): string {
  const dated = archiveName(`${file}.damaged`, new Date()).slice(0, -'.zip'.length)
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? dated : `${dated}_${n}`
    if (!existsSync(name)) return name
  }
}

/** Renames a damaged record of runs, so that a new one is made; gives the sentence for people. Throws the system's error. */
export function setRecordAside(file: string): string {
  const aside = freeName(file)
  renameOverSync(file, aside)
  // SQLite would play the old one's journal back into the new one.
  for (const journal of ['-journal', '-wal']) {
    if (existsSync(file + journal)) renameOverSync(file + journal, aside + journal)
  }
  return `The record of runs, ${file}, was damaged. It was renamed to ${aside} and replaced by a new one: earlier backups are no longer in the history. The archives themselves are not affected.`
}

/**
 * Empties a damaged lock file and keeps a copy. It stays the same file, so that a process that has just locked it keeps its lock;
 * an intact one is empty, too.
 */
export function emptyLock(file: string): string {
  const aside = freeName(file)
  copyFileSync(file, aside)
  truncateSync(file)
  return `The lock file ${file} was damaged. It was replaced; its content is kept in ${aside}.`
}
