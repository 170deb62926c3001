import assert from 'node:assert/strict'
import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { checkArchive } from './archive-bytes.ts'
import { everyReaderAccepts } from './archive-maker.ts'
import { endings, fileAt, MIB, MTIME, noise, recorded, restore, VANISHING, type Recorded } from './going-on.ts'
import { checkFiles, goOnOrNot, type Outcome } from './going-on-checks.ts'

/** What happens to a file, and what comes of it. */
type Change = (file: string, all: Recorded, was: Buffer) => Promise<Outcome>

const rewritten =
  (size: (was: number) => number, mtime: Date): Change =>
  async (file, { here }, was) => {
    const bytes = noise(size(was.length), 99)
    await here.put(path.relative(here.root, file), bytes, mtime)
    return bytes
  }

const changes: Readonly<Record<string, Change>> = {
  'is rewritten, as large and with its old time': rewritten((was) => was, MTIME),
  'is rewritten, larger': rewritten((was) => was + 1000, new Date(2025, 5, 5)),
  'is rewritten, past what is read whole': rewritten((was) => was + 4 * MIB, new Date(2025, 5, 5)),
  'is rewritten, to a few bytes': rewritten(() => 10, new Date(2025, 5, 5)),
  'is truncated to nothing': async (file) => {
    await truncate(file, 0)
    return Buffer.alloc(0)
  },
  'is deleted': async (file) => {
    await rm(file)
    return 'no longer there'
  },
  'became a symbolic link': async (file, { here }) => {
    await rm(file)
    await symlink(path.join(here.root, 'study/c'), file)
    return 'a symbolic link'
  },
  'became a folder': async (file) => {
    await rm(file)
    await mkdir(file)
    return 'changed while it was read'
  },
}

describe('an archive that is gone on with', () => {
  for (const [turn, [what, change]] of Object.entries(changes).entries()) {
    for (const compression of ['auto', 'store'] as const) {
      test(`while the file under way ${what} is whole and true (${compression})`, async (t) => {
        const all = await recorded(t, { compression, dump: compression === 'auto' })
        const { here, files } = all
        let count = 0
        for (const [n, ending] of [...endings(all)].entries()) {
          // Each of the changes takes its turn at each of the four ends, and all of them together at every place.
          if (n % 9 !== turn % 9) continue
          const name = fileAt(all, ending.mark)
          const was = files.get(name ?? '')
          if (name === null || was === undefined || VANISHING.includes(name)) continue
          const outcome = await change(path.join(here.root, name), all, was)
          const archive = await goOnOrNot(all, ending)
          if (archive !== null) checkFiles(checkArchive(archive), all, { [name]: outcome })
          if (archive !== null && count % 5 === 0) {
            await writeFile(here.archive, archive)
            await everyReaderAccepts(here.archive)
          }
          await restore(all, name)
          count += 1
        }
        assert.ok(count > 5, `${count} endings`)
      })
    }
  }
})
