/** An archive of every kind of file, and its archive with all places where it can be gone on from. */
import { mkdir, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { Mark } from '../../../src/pipeline/contract/source.ts'
import type { Compression } from '../../../src/stages/config/types.ts'
import { readPlan } from '../../../src/stages/plan/plan-reader.ts'
import { placeOf } from '../../../src/stages/zip/place.ts'
import { place, type Place } from './archive-maker.ts'
import { newRun, openSource, readMade, type MadeBytes, type Run } from './archive-run.ts'
import { nameHere } from '../../support/on-windows.ts'

/** When every file was written. */
export const MTIME = new Date(2025, 3, 4, 5, 6, 7, 890)

export const MIB = 1024 * 1024

/** Bytes that do not deflate; the same for the same seed. */
export function noise(bytes: number, seed: number): Buffer {
  let state = seed + 1
  const words = new Uint32Array(Math.ceil(bytes / 4))
  for (let n = 0; n < words.length; n += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[n] = state
  }
  return Buffer.from(words.buffer, 0, bytes)
}

/** Some noise, the rest one pattern: deflates quickly, and well. */
export function pixels(bytes: number, seed: number): Buffer {
  const all = Buffer.alloc(bytes, `pixel ${seed}`)
  for (let at = 0; at < bytes; at += 64 * 1024) noise(Math.min(4 * 1024, bytes - at), seed + at).copy(all, at)
  return all
}

const packed = (bytes: number, seed: number): Buffer => {
  const all = noise(bytes, seed)
  all.write('ffd8ff', 0, 'hex')
  return all
}

/** `compression: auto` deflates the pixels and stores what is packed. */
const FILES: Readonly<Record<string, () => Buffer>> = {
  empty: () => Buffer.alloc(0),
  'patient 🩻/small': () => pixels(20_000, 1),
  [`patient 🩻/${nameHere('größe\\x')}`]: () => packed(4 * MIB, 2),
  'study/a': () => pixels(MIB, 3),
  'study/b-large': () => pixels(4 * MIB + 5, 4),
  'study/c': () => packed(500, 5),
  'study/d-large': () => packed(4 * MIB + 77, 6),
  'study/e': () => pixels(3000, 7),
  'study/f-vanishes': () => pixels(100, 8),
  'study/g-vanishes-large': () => pixels(5 * MIB, 9),
  'study/h-large-🩻': () => pixels(5 * MIB, 10),
  'study/i': () => pixels(100_000, 11),
}
export const VANISHING = ['study/f-vanishes', 'study/g-vanishes-large']
export const LINK = 'study/link'

export interface Recorded extends MadeBytes {
  readonly here: Place
  readonly run: Run
  readonly files: ReadonlyMap<string, Buffer>
  /** Position in the plan's file at which a file is through. */
  readonly through: ReadonlyMap<number, string>
}

export interface RecordOptions {
  readonly compression: Compression
  readonly dump: boolean
}

/** Makes such an archive in one go. */
export async function recorded(t: TestContext, { compression, dump }: RecordOptions): Promise<Recorded> {
  const here = await place(t)
  const files = new Map(Object.entries(FILES).map(([name, make]) => [name, make()]))
  for (const [name, bytes] of files) await here.put(name, bytes, MTIME)
  await symlink('c', path.join(here.root, LINK))
  const folder = path.join(here.folder, 'run')
  await mkdir(folder)
  const bytes = pixels(2 * MIB + 333, 12)
  const run = await newRun({ root: here.root, folder, compression, ...(dump ? { dump: bytes } : {}) })
  const through = new Map<number, string>()
  for await (const { item, end } of readPlan(run.files.plan)) {
    through.set(end, 'leftOut' in item ? item.leftOut.path : item.path)
  }
  for (const name of VANISHING) await rm(path.join(here.root, name))
  const made = await readMade(openSource(run, null).source)
  return { ...made, here, run, files, through }
}

export interface Ending {
  readonly mark: Mark | null
  readonly end: number
  readonly between: Buffer
}

/**
 * Where an earlier process may have ended: at each place, one byte behind it, in the middle to the next and right before
 * that.
 */
export function* endings({ bytes, marks }: MadeBytes): Generator<Ending> {
  const all: readonly (Mark | null)[] = [null, ...marks]
  for (const [n, mark] of all.entries()) {
    const from = mark?.offset ?? 0
    const next = all[n + 1]?.offset ?? bytes.length
    const ends = new Set([from, from + 1, Math.floor((from + next) / 2), next - 1])
    for (const end of ends)
      if (end === from || (end > from && end < next)) yield { mark, end, between: bytes.subarray(from, end) }
  }
}

export const told = ({ mark, end }: Pick<Ending, 'mark' | 'end'>): string => `${JSON.stringify(mark)} to ${end}`

/** The file that is under way at a mark, or comes next; null when none is. */
export function fileAt({ run, through }: Pick<Recorded, 'run' | 'through'>, mark: Mark | null): string | null {
  const { phase, plan } = placeOf(mark)
  if (phase !== 'files' && !(mark === null && run.dump === null)) return null
  for (const [end, name] of through) if (end > plan) return name
  return null
}

/** A file as it was when it was planned, but for its identity. */
export const restore = async ({ here, files }: Recorded, name: string): Promise<void> => {
  await rm(path.join(here.root, name), { recursive: true, force: true })
  const bytes = files.get(name)
  if (bytes !== undefined) await here.put(name, bytes, MTIME)
}
