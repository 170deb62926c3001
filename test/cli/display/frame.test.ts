import assert from 'node:assert/strict'
import test from 'node:test'
import { frame } from '../../../src/cli/display/frame.ts'
import { visibleWidth } from '../../../src/cli/display/width.ts'
import type { Pace } from '../../../src/cli/display/rate.ts'
import { ascii, bare, colored, middle, MIB, GIB, progressOf, text } from './samples.ts'

const pace: Pace = { read: 182 * MIB, upload: [41.2 * MIB, 38 * MIB, 44 * MIB], fraction: 0.423, leftMs: 7_505_000 }
const unknown: Pace = { read: null, upload: [null, null], fraction: null, leftMs: null }
const running = { progress: middle(), pace, elapsedMs: 760_000, final: false }
const shown = (...input: Parameters<typeof frame>): string => `${frame(...input).join('\n')}\n`

const begun = (): ReturnType<typeof progressOf> =>
  progressOf([
    { name: 'hospital-dropbox', state: 'waiting', held: 0, sent: 0 },
    { name: 'nas', state: 'waiting', held: 0, sent: 0 },
  ])

test('a run in its middle, 80 columns wide', () => {
  assert.equal(
    shown(running, bare(80)),
    text(`
Storing the DICOM files
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━─────────────────────────────────────────  42.3 %
12 min 40 s so far, about 2 h 5 min left

Database  1.20 GiB
Files     412,803 of 1,003,211      3 left out
Data      1.21 TiB of 2.88 TiB      182 MiB/s
Archive   590 GiB                   2.10:1

hospital-dropbox  sending     588 GiB  41.2 MiB/s
hospital-drive    retrying    571 GiB
nas               sending     590 GiB  44.0 MiB/s
`),
  )
})

test('a run in its middle, 40 columns wide: one fact a line', () => {
  assert.equal(
    shown(running, bare(40)),
    text(`
Storing the DICOM files
━━━━━━━━━━━━━──────────────────  42.3 %
12 min 40 s so far
about 2 h 5 min left

Database  1.20 GiB
Files     412,803 of 1,003,211
Left out  3
Data      1.21 TiB of 2.88 TiB
Rate      182 MiB/s
Archive   590 GiB
Ratio     2.10:1

hospital-dropbox  sending     588 GiB
hospital-drive    retrying    571 GiB
nas               sending     590 GiB
`),
  )
})

test('a run in its middle, 120 columns wide: the bar does not run away', () => {
  assert.equal(
    shown(running, bare(120)),
    text(`
Storing the DICOM files
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━──────────────────────────────────────────────────────  42.3 %
12 min 40 s so far, about 2 h 5 min left

Database  1.20 GiB
Files     412,803 of 1,003,211      3 left out
Data      1.21 TiB of 2.88 TiB      182 MiB/s
Archive   590 GiB                   2.10:1

hospital-dropbox  sending     588 GiB  41.2 MiB/s
hospital-drive    retrying    571 GiB
nas               sending     590 GiB  44.0 MiB/s
`),
  )
})

test('a terminal without more than ASCII', () => {
  assert.equal(
    shown(running, ascii(80)),
    text(`
Storing the DICOM files
##############################.........................................  42.3 %
12 min 40 s so far, about 2 h 5 min left

Database  1.20 GiB
Files     412,803 of 1,003,211      3 left out
Data      1.21 TiB of 2.88 TiB      182 MiB/s
Archive   590 GiB                   2.10:1

hospital-dropbox  sending     588 GiB  41.2 MiB/s
hospital-drive    retrying    571 GiB
nas               sending     590 GiB  44.0 MiB/s
`),
  )
})

test('colours tell the states apart', () => {
  assert.equal(
    shown(running, colored(60)),
    text(`
\u001b[1mStoring the DICOM files\u001b[22m
\u001b[32m━━━━━━━━━━━━━━━━━━━━━\u001b[39m\u001b[2m──────────────────────────────\u001b[22m  42.3 %
12 min 40 s so far, about 2 h 5 min left

\u001b[2mDatabase\u001b[22m  1.20 GiB
\u001b[2mFiles\u001b[22m     412,803 of 1,003,211      3 left out
\u001b[2mData\u001b[22m      1.21 TiB of 2.88 TiB      182 MiB/s
\u001b[2mArchive\u001b[22m   590 GiB                   2.10:1

hospital-dropbox  \u001b[36msending\u001b[39m     588 GiB  41.2 MiB/s
hospital-drive    \u001b[33mretrying\u001b[39m    571 GiB
nas               \u001b[36msending\u001b[39m     590 GiB  44.0 MiB/s
`),
  )
})

test('while the folder is walked nothing is counted', () => {
  assert.equal(
    shown({ progress: begun(), pace: unknown, elapsedMs: 400, final: false }, bare(80)),
    text(`
Scanning the archive folder
<1 s so far

hospital-dropbox  waiting
nas               waiting
`),
  )
})

test('while the database is read there is no total and no bar', () => {
  const progress = Object.assign(begun(), {
    phase: 'dumping',
    filesTotal: 10,
    bytesTotal: 100,
    dumpBytes: 300 * MIB,
    archiveBytes: 60 * MIB,
  } as const)
  Object.assign(progress.destinations[0] ?? {}, { state: 'sending' })
  const dumping = { ...unknown, read: 80 * MIB, upload: [0, 0] }
  assert.equal(
    shown({ progress, pace: dumping, elapsedMs: 4000, final: false }, bare(80)),
    text(`
Reading the database
4 s so far

Database  300 MiB                   80.0 MiB/s
Archive   60.0 MiB                  5.00:1

hospital-dropbox  sending         0 B
nas               waiting
`),
  )
})

test('the last frame says where it ended and promises nothing more', () => {
  const progress = middle()
  Object.assign(progress, { phase: 'finishing', filesDone: progress.filesTotal, bytesDone: progress.bytesTotal })
  for (const destination of progress.destinations) Object.assign(destination, { state: 'completed', held: 590 * GIB })
  const last = { progress, pace: { ...pace, fraction: 1 }, elapsedMs: 760_000, final: true }
  assert.equal(
    shown(last, bare(80)),
    text(`
Stored at every destination
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━   100 %
12 min 40 s so far

Database  1.20 GiB
Files     1,003,211 of 1,003,211    3 left out
Data      2.88 TiB of 2.88 TiB
Archive   590 GiB                   5.00:1

hospital-dropbox  completed   590 GiB
hospital-drive    completed   590 GiB
nas               completed   590 GiB
`),
  )
  Object.assign(progress.destinations[1] ?? {}, { state: 'failed' })
  assert.equal(frame(last, bare(80))[0], 'Ended')
})

test('a destination that is behind is catching up, and its rate is shown', () => {
  const progress = middle()
  Object.assign(progress.destinations[0] ?? {}, { state: 'behind', held: 420 * GIB })
  const lines = frame({ ...running, progress }, bare(80))
  assert.deepEqual(lines.slice(-3), [
    'hospital-dropbox  catching up   420 GiB  41.2 MiB/s',
    'hospital-drive    retrying      571 GiB',
    'nas               sending       590 GiB  44.0 MiB/s',
  ])
  assert.match(frame({ ...running, progress }, colored(80)).at(-3) ?? '', /\u001b\[33mcatching up\u001b\[39m/)
})

test('the last frame of a run that was stopped says so', () => {
  const progress = middle()
  for (const destination of progress.destinations) destination.state = 'interrupted'
  const lines = frame({ ...running, progress, final: true }, bare(80))
  assert.equal(lines[0], 'Stopped')
  assert.equal(lines.at(-1), 'nas               interrupted   590 GiB')
})

test('no line is as wide as the terminal, from 36 columns on, whatever the names', () => {
  const progress = middle()
  const named = {
    ...progress,
    destinations: progress.destinations.map((one) => ({ ...one, name: `病院-${one.name}`, state: 'behind' as const })),
  }
  for (let width = 36; width <= 130; width++) {
    for (const line of frame({ ...running, progress: named }, colored(width))) {
      assert.ok(visibleWidth(line) < width, `${width}: ${line}`)
    }
  }
})
