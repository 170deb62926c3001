/** The plan's file as it is read: its version, then a line for each file and each that was left out. */
import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { readVersionedJson, versionOf, type Format } from '../../pipeline/files/format-version.ts'
import { readJsonLinesAt, readSpill } from '../../pipeline/files/spill-file.ts'
import { damagedStateFile } from '../../pipeline/files/state-file.ts'
import type { WalkItem } from './walk.ts'

/** Its first line is an object with the version alone; version 0 has no such line. */
export const PLAN_FORMAT: Format = { name: 'the list of files of a backup', version: 1 }

/** An item of the plan, and the position in its file of the next one. */
export interface PlanLine {
  readonly item: WalkItem
  readonly end: number
}

/** A version's line is shorter; a file's may be longer. */
const FIRST_BYTES = 1024

/** Rejects with NewerFormatError. A file that cannot be read has no version that is known to be newer. */
export async function checkPlanVersion(path: string): Promise<void> {
  const handle = await open(path).catch(() => null)
  try {
    const { buffer, bytesRead = 0 } = (await handle?.read(Buffer.alloc(FIRST_BYTES)).catch(() => null)) ?? {}
    const [line = ''] = (buffer?.toString('utf8', 0, bytesRead) ?? '').split('\n', 1)
    readVersionedJson(PLAN_FORMAT, line, whereIs(path))
  } finally {
    await handle?.close()
  }
}

/** Rejects with E_STATE when a plan of an earlier process is not what was written, and with NewerFormatError. */
export async function checkPlan(path: string, crc: number): Promise<void> {
  await checkPlanVersion(path)
  if ((await crcOf(path)) !== crc) throw damagedStateFile(path)
}

async function crcOf(path: string): Promise<number> {
  let crc = 0
  for await (const piece of readSpill(path)) crc = crc32(piece, crc)
  return crc
}

/** The plan, in the order of the walk, from a position on. Rejects with E_STATE, and with NewerFormatError. */
export async function* readPlan(path: string, from = 0): AsyncGenerator<PlanLine> {
  let isFirst = from === 0
  for await (const { value, end } of readJsonLinesAt(path, from)) {
    if (isFirst && !Array.isArray(value)) versionOf(PLAN_FORMAT, value, whereIs(path))
    else yield { item: itemOf(value, path), end }
    isFirst = false
  }
}

function itemOf(value: unknown, path: string): WalkItem {
  const [file, second, mtimeMs] = (Array.isArray(value) ? value : []) as readonly unknown[]
  if (typeof file === 'string' && typeof second === 'string') return { leftOut: { path: file, reason: second } }
  if (typeof file !== 'string' || typeof second !== 'number' || typeof mtimeMs !== 'number')
    throw damagedStateFile(path)
  return { path: file, size: second, mtimeMs }
}

const whereIs = (path: string): string => `The file ${path} in the state folder`
