/**
 * A process that restores an archive, slowly, until it is killed. Tells on stdout how many files are done. With a third
 * argument it reads no further once so many are, and never ends.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ArchiveReader } from '../../../src/stages/archive/archive-reader.ts'
import { restoreFiles } from '../../../src/stages/restore/files/restore-files.ts'
import { EVERYTHING } from '../../../src/stages/restore/selection.ts'
import { never, storedFile } from '../archive/stored-archive.ts'

const [archive = '', to = '', stopsAt] = process.argv.slice(2)
/** Until it is killed. */
const forEver = new Promise<never>(() => undefined)
let done = 0
const { remote } = await storedFile(archive)
const slow = {
  ...remote,
  async *read(from: number, end: number, signal: AbortSignal) {
    for await (const chunk of remote.read(from, end, signal)) {
      for (let at = 0; at < chunk.length; at += 8192) {
        await sleep(1)
        if (done >= Number(stopsAt ?? Infinity)) await forEver
        yield chunk.subarray(at, at + 8192)
      }
    }
  },
}
let telling: NodeJS.Timeout | null = null
const reader = await ArchiveReader.open(slow, never)
const result = await restoreFiles({
  reader,
  to,
  overwrite: false,
  owner: false,
  selection: EVERYTHING,
  onProgress: (progress) => {
    telling = setInterval(() => {
      done = progress.filesDone
      process.stdout.write(`${done}\n`)
    }, 1)
  },
  signal: never,
})
if (stopsAt !== undefined) await forEver
clearInterval(telling ?? undefined)
process.stdout.write(`${JSON.stringify(result)}\n`)
