/** How far the active run is, in a file of the state folder, for other processes that look (`status`). */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Format } from '../../pipeline/files/format-version.ts'
import type { Progress } from '../../pipeline/contract/progress.ts'
import { readNote, replaceNote } from '../../pipeline/files/state-file.ts'
import { isoLocal } from '../contract/time.ts'
import type { RunningRun } from '../contract/results.ts'

const EVERY_MS = 5000

type Written = Omit<RunningRun, 'since'>

export const RUNNING_FILE = 'running.json'
export const RUNNING_FORMAT: Format = { name: 'how far a running backup is', version: 1 }

const fileOf = (stateFolder: string): string => path.join(stateFolder, RUNNING_FILE)

/**
 * Writes how far a run is whenever that changed, looking every few seconds. A file that cannot be written harms no run.
 * Resolves with what ends it and removes the file.
 */
export function showRunning(stateFolder: string, runId: string, progress: Progress): () => Promise<void> {
  const began = Date.now()
  const doneBefore = progress.bytesDone
  let last = ''
  let writing = Promise.resolve()
  const look = (): void => {
    const now = moved(progress)
    if (now === last) return
    last = now
    const value = written(runId, progress, Date.now() - began, doneBefore)
    writing = writing.then(() => replaceNote(fileOf(stateFolder), RUNNING_FORMAT, value)).catch(() => undefined)
  }
  look()
  const timer = setInterval(look, EVERY_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await writing
    await rm(fileOf(stateFolder), { force: true }).catch(() => undefined)
  }
}

/**
 * What the active run of this machine wrote; null when there is nothing, or what a run that was killed left. Rejects with
 * NewerFormatError.
 */
export async function readRunning(stateFolder: string, since: string | null): Promise<Written | null> {
  const note = await readNote(fileOf(stateFolder), RUNNING_FORMAT)
  if (note === null || !isWritten(note)) return null
  const { format: _format, ...value } = note
  // Times are to the second.
  return since !== null && Date.parse(value.movedAt) + 1000 < Date.parse(since) ? null : value
}

type Note = Written & { readonly movedAt: string; readonly format?: unknown }

function isWritten(note: Record<string, unknown>): note is Record<string, unknown> & Note {
  const { runId, phase, files, filesDone, bytes, bytesDone, etaSeconds, movedAt, destinations } = note
  const isCount = (value: unknown): boolean => typeof value === 'number'
  const isCountOrNull = (value: unknown): boolean => value === null || isCount(value)
  return (
    typeof runId === 'string' &&
    typeof phase === 'string' &&
    [filesDone, bytesDone].every(isCount) &&
    [files, bytes, etaSeconds].every(isCountOrNull) &&
    typeof movedAt === 'string' &&
    !Number.isNaN(Date.parse(movedAt)) &&
    Array.isArray(destinations) &&
    destinations.every(isDestination)
  )
}

function isDestination(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { name, held, state } = value as Readonly<Record<string, unknown>>
  return typeof name === 'string' && typeof held === 'number' && typeof state === 'string'
}

/** Changes whenever something was read, made or stored. Requests that are sent again and again are no movement. */
function moved({ phase, filesTotal, filesDone, bytesDone, dumpBytes, archiveBytes, destinations }: Progress): string {
  const held = destinations.map((one) => [one.held, one.state === 'verifying', one.state === 'completed'])
  return JSON.stringify([phase, filesTotal, filesDone, bytesDone, dumpBytes, archiveBytes, held])
}

function written(runId: string, progress: Progress, elapsedMs: number, doneBefore: number): Written {
  const { phase, filesTotal, filesDone, bytesTotal, bytesDone, destinations } = progress
  const perMs = elapsedMs > 0 ? (bytesDone - doneBefore) / elapsedMs : 0
  const left = bytesTotal === null || perMs <= 0 ? null : Math.max(0, bytesTotal - bytesDone) / perMs / 1000
  return {
    runId,
    phase,
    files: filesTotal,
    filesDone,
    bytes: bytesTotal,
    bytesDone,
    etaSeconds: left === null ? null : Math.round(left),
    movedAt: isoLocal(new Date()),
    destinations: destinations.map(({ name, held, state }) => ({ name, held, state })),
  }
}
