/** What an administrator would use instead, each sending to two plain HTTP servers (sink.ts) that hash and forget. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { cpuMsOf, watched } from '../harness/watched.ts'
import type { Contender, Sample } from '../harness/types.ts'
import type { ServiceProcess } from '../service-process.ts'

export type Level = 0 | 1 | 6

/** Where a peer's runs happen. */
export interface Place {
  /** The files' folder. */
  readonly root: string
  /** A folder for what a peer puts on the disk. */
  readonly scratch: string
  /** Bytes of all files. */
  readonly bytes: number
  readonly sinks: ServiceProcess
}

const MB = 1_000_000

/** A shell's words for a pipe into both uploads, of what stands before it. */
const TEE = 'mkfifo pipe; curl -sS -T - -o a "$A" < pipe & tee pipe | curl -sS -T - -o b "$B"; wait'
const UPLOADS = 'curl -sS -T out.zip -o a "$A" & curl -sS -T out.zip -o b "$B"; wait'

export const zipTee = (place: Place, level: Level, more: Partial<Contender> = {}): Contender =>
  shell(
    place,
    `zip -${level} | tee`,
    `zip -${level} -r -q - . | tee into two curl uploads`,
    more,
    (root) => `(cd ${root} && zip -${level} -r -q - .) | { ${TEE}; }`,
  )

export const bsdtarTee = (place: Place, level: Level, more: Partial<Contender> = {}): Contender =>
  shell(place, `bsdtar -${level} | tee`, 'bsdtar --format zip | tee into two curl uploads', more, (root) => {
    const options = level === 0 ? 'zip:compression=store' : `zip:compression=deflate,zip:compression-level=${level}`
    return `bsdtar -cf - --format zip --options ${options} -C ${root} . | { ${TEE}; }`
  })

export const sevenZip = (place: Place, level: Level, more: Partial<Contender> = {}): Contender =>
  shell(
    place,
    `7z -mx=${level}`,
    '7-Zip to the disk (it writes no ZIP into a pipe), then two curl uploads at once',
    more,
    (root) => `(cd ${root} && 7z a -tzip -mx=${level} -bso0 -bsp0 "$OLDPWD/out.zip" .) && { ${UPLOADS}; }`,
  )

export const oldWay = (place: Place, level: Level, more: Partial<Contender> = {}): Contender =>
  shell(
    place,
    'the old way',
    `zip -${level} to the disk, then one curl upload after the other`,
    more,
    (root) =>
      `(cd ${root} && zip -${level} -r -q "$OLDPWD/out.zip" .) && curl -sS -T out.zip -o a "$A" && curl -sS -T out.zip -o b "$B"`,
  )

export const yazlPipe = (place: Place, level: Level): Contender =>
  script(place, `yazl -${level}`, 'plain yazl piped into two uploads', 'yazl-zip.ts', level)

export const archiverPipe = (place: Place, level: Level, more: Partial<Contender> = {}): Contender => ({
  ...script(place, `archiver -${level}`, 'npm archiver piped into two uploads', 'archiver-zip.ts', level),
  ...more,
})

export const limit = (place: Place): Contender => ({
  name: 'limit',
  what: 'the same bytes read and sent to both, with nothing between',
  run: () =>
    measured(place, process.execPath, [path.join(import.meta.dirname, 'limit.ts'), place.root, ...urls(place)]),
})

function shell(
  place: Place,
  name: string,
  what: string,
  more: Partial<Contender>,
  words: (root: string) => string,
): Contender {
  return { name, what, ...more, run: () => measured(place, 'bash', ['-ec', words(place.root)]) }
}

function script(place: Place, name: string, what: string, file: string, level: Level): Contender {
  const program = path.join(import.meta.dirname, file)
  const run = (): Promise<Sample> =>
    measured(place, process.execPath, [program, place.root, String(level), ...urls(place)])
  return { name, what, run }
}

const urls = ({ sinks }: Place): string[] => [sinks.dropbox, sinks.googleDrive]

/** Runs it in a folder of its own. The value is MB of files a second. */
async function measured(place: Place, command: string, args: readonly string[]): Promise<Sample> {
  const folder = await mkdtemp(path.join(place.scratch, 'peer-'))
  try {
    const [A = '', B = ''] = urls(place)
    const before = cpuMsOf(place.sinks.pid) ?? 0
    const { code, stderr, ms, peakBytes, cpuMs } = await watched(command, args, { cwd: folder, env: { A, B } })
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
    const taken = (cpuMsOf(place.sinks.pid) ?? 0) - before
    return {
      value: place.bytes / MB / (ms / 1000),
      ms,
      peakBytes,
      cpuMs: cpuMs + taken,
      bytesOut: await told(path.join(folder, 'b')),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The sink answers with the number of bytes that came; null where the answer was not kept. */
async function told(file: string): Promise<number | null> {
  return await readFile(file, 'utf8').then(Number, () => null)
}
