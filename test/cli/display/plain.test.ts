import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import test from 'node:test'
import type { Display } from '../../../src/cli/display/display.ts'
import { plainDisplay } from '../../../src/cli/display/plain.ts'
import { MIB, middle, progressOf, text, TIB, type DestinationSample, type ProgressSample } from './samples.ts'

process.env.TZ = 'UTC'
const NOON = Date.parse('2026-03-04T12:00:00Z')

interface Shown {
  readonly display: Display
  /** Lets time pass in steps of a second, looking after each. */
  readonly wait: (seconds: number, step?: () => void) => void
  /** What was written since the last call. */
  readonly take: () => string
}

function show(progress: ProgressSample): Shown {
  let at = NOON
  const stream = new PassThrough({ encoding: 'utf8', highWaterMark: 1 << 20 })
  const display = plainDisplay(progress, { stream, columns: 80, now: () => at })
  display.tick()
  return {
    display,
    wait(seconds, step) {
      for (let second = 0; second < seconds; second++) {
        at += 1000
        step?.()
        display.tick()
      }
    },
    take: () => String(stream.read() ?? ''),
  }
}

const first = ({ destinations }: ProgressSample): DestinationSample => destinations[0]!

test('a run tells its start, its phases, its destinations and its end', () => {
  const progress = progressOf([
    { name: 'hospital-dropbox', state: 'waiting', held: 0, sent: 0 },
    { name: 'nas', state: 'waiting', held: 0, sent: 0 },
  ])
  const { display, wait, take } = show(progress)
  wait(2)
  Object.assign(progress, { phase: 'dumping', filesTotal: 1_003_211, bytesTotal: 2.88 * TIB })
  for (const destination of progress.destinations) destination.state = 'sending'
  wait(4, () => (progress.dumpBytes += 300 * MIB))
  progress.phase = 'archiving'
  wait(31, () => {
    progress.filesDone += 100
    progress.bytesDone += 200 * MIB
    progress.archiveBytes += 100 * MIB
    for (const destination of progress.destinations) {
      destination.held += 100 * MIB
      destination.sent += 100 * MIB
    }
  })
  Object.assign(progress, { phase: 'finishing', filesDone: 1_003_211, bytesDone: 2.88 * TIB })
  for (const destination of progress.destinations) destination.state = 'verifying'
  wait(1)
  for (const destination of progress.destinations) destination.state = 'completed'
  display.stop(true)
  assert.equal(
    take(),
    text(`
2026-03-04 12:00:00  Scanning the archive folder
2026-03-04 12:00:03  Reading the database: 300 MiB, 100 MiB/s
2026-03-04 12:00:03  hospital-dropbox: sending
2026-03-04 12:00:03  nas: sending
2026-03-04 12:00:07  Storing the DICOM files: 0.0 %, 100 of 1,003,211 files, 200 MiB of 2.88 TiB
2026-03-04 12:00:37  Storing the DICOM files: 0.2 %, 3,100 of 1,003,211 files, 6.05 GiB of 2.88 TiB, 200 MiB/s
2026-03-04 12:00:38  Finishing the last uploads: 100 %, 1,003,211 of 1,003,211 files, 2.88 TiB of 2.88 TiB
2026-03-04 12:00:38  hospital-dropbox: verifying, 3.03 GiB held
2026-03-04 12:00:38  nas: verifying, 3.03 GiB held
2026-03-04 12:00:38  hospital-dropbox: completed, 3.03 GiB held
2026-03-04 12:00:38  nas: completed, 3.03 GiB held
2026-03-04 12:00:38  Stored at every destination, after 38 s
`),
  )
})

test('a run of days tells every 30 seconds at first, at last every 10 minutes', () => {
  const progress = middle()
  const { wait, take } = show(progress)
  const lines = (seconds: number): number => {
    wait(seconds)
    return take().split('\n').length - 1
  }
  take()
  assert.equal(lines(29), 0)
  assert.equal(lines(1), 1)
  assert.equal(lines(30 * 19), 19)
  const day = lines(86_400)
  assert.ok(day > 150 && day < 260, `${day} lines`)
  assert.equal(lines(6000), 10)
})

test('a destination that goes back and forth is told of every 30 seconds, its end at once', () => {
  const progress = middle()
  const { wait, take } = show(progress)
  take()
  const flap = (): void => {
    first(progress).state = first(progress).state === 'sending' ? 'retrying' : 'sending'
  }
  wait(1, flap)
  assert.match(take(), /^2026-03-04 12:00:01 {2}hospital-dropbox: retrying, 588 GiB held\n$/)
  wait(28, flap)
  assert.equal(take(), '')
  first(progress).state = 'failed'
  wait(1)
  assert.match(take(), /hospital-dropbox: failed, 588 GiB held\n/)
})

test('a destination that falls behind is told of as catching up, no more often than one that retries', () => {
  const progress = middle()
  const { wait, take } = show(progress)
  take()
  wait(1, () => (first(progress).state = 'behind'))
  assert.match(take(), /^2026-03-04 12:00:01 {2}hospital-dropbox: catching up, 588 GiB held, 0 B\/s\n$/)
  wait(28, () => (first(progress).state = first(progress).state === 'sending' ? 'behind' : 'sending'))
  assert.equal(take(), '')
})

test('a run that is stopped says where each destination stands', () => {
  const progress = middle()
  const { display, take } = show(progress)
  take()
  for (const destination of progress.destinations) destination.state = 'interrupted'
  display.stop(true)
  assert.equal(
    take(),
    text(`
2026-03-04 12:00:00  hospital-dropbox: interrupted, 588 GiB held
2026-03-04 12:00:00  hospital-drive: interrupted, 571 GiB held
2026-03-04 12:00:00  nas: interrupted, 590 GiB held
2026-03-04 12:00:00  Stopped, after <1 s
`),
  )
})

test('a note and a report are lines with their time; what was reported is not told again', () => {
  const progress = middle()
  const { display, wait, take } = show(progress)
  take()
  display.note('Stopping after the parts in flight;\n\u001b[31mCtrl-C again stops at once.')
  first(progress).state = 'retrying'
  display.report()
  wait(1)
  assert.equal(
    take(),
    text(`
2026-03-04 12:00:00  Stopping after the parts in flight;
2026-03-04 12:00:00  Ctrl-C again stops at once.
2026-03-04 12:00:00  Storing the DICOM files: 40.6 %, 412,803 of 1,003,211 files, 1.21 TiB of 2.88 TiB, 3 left out
2026-03-04 12:00:00  hospital-dropbox: retrying, 588 GiB held
2026-03-04 12:00:00  hospital-drive: retrying, 571 GiB held
2026-03-04 12:00:00  nas: sending, 590 GiB held
`),
  )
})

test('a display that is taken away says nothing at its end', () => {
  const { display, take } = show(middle())
  take()
  display.stop(false)
  assert.equal(take(), '')
})
