/**
 * What an administrator would use instead, each sending to two plain HTTP servers (sink.ts) that hash and forget. A run
 * counts only when both got the same whole thing.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { watched } from '../harness/watched.ts'
import type { Contender, Place, Sample } from '../harness/types.ts'
import { megabytes, type Source } from '../ours.ts'
import type { Sinks } from '../services/process.ts'
import type { Uploads } from '../services/sink.ts'
import { provenUpload, type Expected } from './proof.ts'

export type Level = 0 | 1 | 6

export interface SinksPlace extends Place, Source {
  /** Folders below the root: some programs make an entry for each. */
  readonly folders: number
  readonly sinks: Sinks
}

type Peer = Contender<SinksPlace>

/** Those that no goal is about, and that take long. */
export const ONCE = { once: true } as const

/** What the peer's own words left in its folder, against what came. Throws when it is not so. */
type Check = (folder: string, uploads: Uploads) => Promise<void>

interface Sending extends Omit<Expected, 'bytes' | 'entries'> {
  readonly entries: (place: SinksPlace) => Expected['entries']
  readonly check?: Check
}

const allEntries = ({ files, folders }: SinksPlace): number => files + folders

/** A process in the background that reads a pipe. Its words are for bash with -e and pipefail. */
const upload = (from: string, variable: string): string => `curl -fsS -T - -o /dev/null "$${variable}" < ${from}`
const TEE = `mkfifo one; ${upload('one', 'A')} & a=$!; zipped | tee one | curl -fsS -T - -o /dev/null "$B"; wait "$a"`
const SUMS = [
  `mkfifo one two three; ${upload('one', 'A')} & a=$!; md5sum < two > md5 & m=$!; sha256sum < three > sha256 & s=$!`,
  'zipped | tee one two three | curl -fsS -T - -o /dev/null "$B"; wait "$a"; wait "$m"; wait "$s"',
].join('; ')
const FILE = 'curl -fsS -T out.zip -o /dev/null'

export function zipTee(level: Level, more: Partial<Peer> = {}): Peer {
  const words = `zipped() { (cd "$ROOT" && zip -${level} -r -q - .); }; ${TEE}`
  const peer = { name: `zip -${level} | tee`, what: `zip -${level} -r -q - . | tee into two curl uploads`, ...more }
  return shell(peer, ['zip', 'tee', 'curl'], words, { entries: allEntries, isStored: level === 0 })
}

/** The same, and the sums that an administrator would need to know what was sent. */
export function zipTeeSums(level: Level, more: Partial<Peer> = {}): Peer {
  const words = `zipped() { (cd "$ROOT" && zip -${level} -r -q - .); }; ${SUMS}`
  const what = `zip -${level} -r -q - . | tee into two curl uploads, md5sum and sha256sum`
  const needs = ['zip', 'tee', 'curl', 'md5sum', 'sha256sum']
  const sending = { entries: allEntries, isStored: level === 0, check: sameSums }
  return shell({ name: `zip -${level} | tee, sums`, what, ...more }, needs, words, sending)
}

const sameSums: Check = async (folder, { googleDrive }) => {
  const sum = async (name: string): Promise<string> =>
    (await readFile(path.join(folder, name), 'utf8')).split(' ')[0] ?? ''
  if ((await sum('md5')) !== googleDrive[0]?.digest) throw new Error('md5sum is not that of what came')
  if (!/^[0-9a-f]{64}$/.test(await sum('sha256'))) throw new Error('there is no SHA-256')
}

export function bsdtarTee(level: Level, more: Partial<Peer> = {}): Peer {
  const options = level === 0 ? 'zip:compression=store' : `zip:compression=deflate,zip:compression-level=${level}`
  const words = `zipped() { bsdtar -cf - --format zip --options ${options} -C "$ROOT" .; }; ${TEE}`
  const peer = { name: `bsdtar -${level} | tee`, what: 'bsdtar --format zip | tee into two curl uploads', ...more }
  // The root itself is an entry too. Into a pipe, bsdtar writes blocks of 10 KiB, as for a tape.
  const entries = (place: SinksPlace): number => allEntries(place) + 1
  return shell(peer, ['bsdtar', 'tee', 'curl'], words, { entries, isStored: level === 0, blockBytes: 10_240 })
}

export function sevenZip(level: Level, more: Partial<Peer> = {}): Peer {
  const zip = `(cd "$ROOT" && 7z a -tzip -mx=${level} -bso0 -bsp0 "$OLDPWD/out.zip" .)`
  const words = `${zip}; ${FILE} "$A" & a=$!; ${FILE} "$B"; wait "$a"`
  const what = '7-Zip to the disk (it writes no ZIP into a pipe), then two curl uploads at once'
  const peer = { name: `7z -mx=${level}`, what, ...more }
  return shell(peer, ['7z', 'curl'], words, { entries: allEntries, isStored: level === 0 })
}

export function oldWay(level: Level, more: Partial<Peer> = {}): Peer {
  const words = `(cd "$ROOT" && zip -${level} -r -q "$OLDPWD/out.zip" .); ${FILE} "$A"; ${FILE} "$B"`
  const what = `zip -${level} to the disk, then one curl upload after the other`
  const peer = { name: 'the old way', what, ...more }
  return shell(peer, ['zip', 'curl'], words, { entries: allEntries, isStored: level === 0 })
}

export const yazlPipe = (level: Level, more: Partial<Peer> = {}): Peer =>
  script({ name: `yazl -${level}`, what: 'plain yazl piped into two uploads', ...more }, 'yazl-zip.ts', level, {
    entries: ({ files }) => files,
    isStored: level === 0,
  })

export const archiverPipe = (level: Level, more: Partial<Peer> = {}): Peer =>
  script(
    { name: `archiver -${level}`, what: 'npm archiver piped into two uploads', ...more },
    'archiver-zip.ts',
    level,
    {
      entries: allEntries,
      isStored: level === 0,
    },
  )

export const limit: Peer = script(
  { name: 'limit', what: 'the same bytes read and sent to both, with nothing between' },
  'limit.ts',
  0,
  { entries: () => 'no ZIP', isStored: true },
)

type Named = Pick<Peer, 'name' | 'what'>

/** A script for bash, which ends with an error when any of its processes does. */
export function shell(peer: Named, needs: readonly string[], words: string, sending: Sending): Peer {
  const run = (place: SinksPlace): Promise<Sample> => sent(place, 'bash', ['-o', 'pipefail', '-euc', words], sending)
  return { ...peer, needs: ['bash', ...needs], run }
}

function script(peer: Named, file: string, level: Level, sending: Sending): Peer {
  const program = path.join(import.meta.dirname, file)
  const run = (place: SinksPlace): Promise<Sample> => {
    const { root, sinks } = place
    return sent(place, process.execPath, [program, root, String(level), sinks.dropbox, sinks.googleDrive], sending)
  }
  return { ...peer, run }
}

/** Runs it in a folder of its own. The value is MB of files a second. */
async function sent(place: SinksPlace, command: string, args: readonly string[], sending: Sending): Promise<Sample> {
  const { sinks, root, bytes } = place
  const folder = await mkdtemp(path.join(place.folder, 'peer-'))
  try {
    await sinks.uploads() // what one that failed has left
    const before = sinks.cpuMs()
    const env = { A: sinks.dropbox, B: sinks.googleDrive, ROOT: root }
    const { code, signal, stderr, ms, peakBytes, cpuMs } = await watched(command, args, { cwd: folder, env })
    const taken = sinks.cpuMs() - before
    if (code !== 0) throw new Error(`exit ${code ?? signal ?? ''}: ${stderr}`)
    const uploads = await sinks.uploads()
    const bytesOut = provenUpload(uploads, { ...sending, bytes, entries: sending.entries(place) })
    await sending.check?.(folder, uploads)
    return { value: megabytes(bytes)(ms), ms, peakBytes, cpuMs: cpuMs + taken, bytesOut }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
