import assert from 'node:assert/strict'
import test from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import type { Display } from '../../../src/cli/display/display.ts'
import { liveDisplay } from '../../../src/cli/display/live.ts'
import { FakeTerminal } from './fake-terminal.ts'
import { GIB, middle, MIB, progressOf, text, TIB, type ProgressSample } from './samples.ts'

process.env.LANG = 'C.UTF-8'
delete process.env.LC_ALL
delete process.env.FORCE_COLOR
process.env.TERM = 'xterm-256color'

interface Shown {
  readonly terminal: FakeTerminal
  readonly display: Display
  readonly progress: ProgressSample
  /** Lets so many ms pass and draws. */
  readonly wait: (ms: number) => void
}

function show(columns: number, progress = middle(), rows = 30): Shown {
  let at = 1_000_000
  const terminal = new FakeTerminal(columns, rows)
  terminal.write('$ dicom-backup run\n')
  const display = liveDisplay(progress, { stream: terminal, columns: 80, now: () => at })
  display.tick()
  terminal.take()
  const wait = (ms: number): void => {
    at += ms
    display.tick()
  }
  return { terminal, display, progress, wait }
}

const MIDDLE_80 = text(`
$ dicom-backup run
Storing the DICOM files
━━━━━━━━━━━━━━━━━━━━━━━━━━━━───────────────────────────────────────────  40.6 %
<1 s so far

Database  1.20 GiB
Files     412,803 of 1,003,211      3 left out
Data      1.21 TiB of 2.88 TiB
Archive   590 GiB                   2.10:1

hospital-dropbox  sending     588 GiB
hospital-drive    retrying    571 GiB
nas               sending     590 GiB`)

test('the frame stands below what was there before', () => {
  assert.equal(show(80).terminal.seen, MIDDLE_80)
})

test('only what changed is written, in one piece, and nothing when nothing did', () => {
  const { terminal, progress, wait } = show(80)
  wait(200)
  assert.equal(terminal.take(), '')
  progress.filesDone++
  const before = terminal.writes
  wait(200)
  const written = terminal.take()
  assert.equal(terminal.writes, before + 1)
  assert.match(written, /412,804/)
  assert.doesNotMatch(stripVTControlCharacters(written), /DICOM|hospital|Archive/)
  assert.equal(terminal.seen, MIDDLE_80.replace('412,803', '412,804'))
})

test('rates and the time left appear when they are known', () => {
  const { terminal, progress, wait } = show(80)
  for (let second = 1; second <= 60; second++) {
    progress.bytesDone += 182 * MIB
    progress.archiveBytes += 91 * MIB
    for (const destination of progress.destinations) {
      destination.held += 91 * MIB
      destination.sent += 91 * MIB
    }
    wait(1000)
    assert.equal(terminal.seen.includes(' left\n'), second >= 10, `after ${second} s`)
  }
  assert.match(terminal.seen, /^1 min so far, about 2 h 45 min left$/m)
  assert.match(terminal.seen, /^Data {6}1\.22 TiB of 2\.88 TiB {6}182 MiB\/s$/m)
  assert.match(terminal.seen, /^nas +sending +595 GiB +91\.0 MiB\/s$/m)
})

test('a terminal that is resized shows one frame, at its new width, and keeps what stood above', () => {
  for (const widths of [[40], [40, 80], [79, 60, 45, 120, 36], [200, 50]]) {
    const { terminal, display, wait } = show(80)
    for (const width of widths) {
      terminal.resize(width)
      display.tick()
    }
    wait(200)
    const fresh = show(widths.at(-1) ?? 80)
    assert.equal(terminal.seen, fresh.terminal.seen, widths.join(' → '))
  }
})

test('every change of what there is to show leaves one whole frame', () => {
  const progress = progressOf([{ name: 'nas', state: 'waiting', held: 0, sent: 0 }])
  const { terminal, wait } = show(80, progress)
  const steps: (() => void)[] = [
    () => Object.assign(progress, { phase: 'dumping', filesTotal: 10, bytesTotal: TIB }),
    () => Object.assign(progress, { dumpBytes: GIB, archiveBytes: GIB / 4 }),
    () => Object.assign(progress, { phase: 'archiving', bytesDone: GIB, filesDone: 1 }),
    () => Object.assign(progress.destinations[0] ?? {}, { state: 'retrying', held: GIB / 8 }),
    () => Object.assign(progress, { filesSkipped: 1 }),
    () => Object.assign(progress, { phase: 'finishing', bytesDone: TIB, filesDone: 10 }),
    () => Object.assign(progress.destinations[0] ?? {}, { state: 'completed' }),
  ]
  for (const step of steps) {
    step()
    wait(0)
    assert.equal(terminal.seen, show(80, progress).terminal.seen)
  }
})

test('a note stands above the frame, whole, broken at spaces', () => {
  const { terminal, display } = show(40)
  const frame = terminal.seen.slice('$ dicom-backup run\n'.length)
  display.note('Stopping after the parts in flight;\nCtrl-C again stops at once, and what was sent is kept.\u001b[2J')
  assert.equal(
    terminal.seen,
    `$ dicom-backup run
Stopping after the parts in flight;
Ctrl-C again stops at once, and what
was sent is kept.
${frame}`,
  )
})

test('a report stays above the frame', () => {
  const { terminal, display } = show(120)
  const frame = terminal.seen.slice('$ dicom-backup run\n'.length)
  display.report()
  assert.equal(
    terminal.seen,
    `$ dicom-backup run
Storing the DICOM files: 40.6 %, 412,803 of 1,003,211 files, 1.21 TiB of 2.88 TiB, 3 left out
hospital-dropbox: sending, 588 GiB held
hospital-drive: retrying, 571 GiB held
nas: sending, 590 GiB held
${frame}`,
  )
})

test('the last frame stays, with an empty line below; an unwanted one goes', () => {
  const kept = show(80)
  kept.display.stop(true)
  assert.equal(kept.terminal.seen, MIDDLE_80.replace('Storing the DICOM files', 'Ended'))
  kept.terminal.write('Backup')
  assert.match(kept.terminal.seen, /nas .*\n\nBackup$/)
  const gone = show(80)
  gone.display.stop(false)
  assert.equal(gone.terminal.seen, '$ dicom-backup run')
})

test('on a low terminal the empty lines go first, then the last lines', () => {
  const rowsOf = (rows: number): string[] => show(80, middle(), rows).terminal.seen.split('\n').slice(1)
  assert.equal(rowsOf(13).length, 12)
  assert.deepEqual(
    rowsOf(12),
    rowsOf(13).filter((line) => line !== ''),
  )
  assert.deepEqual(rowsOf(6), rowsOf(12).slice(0, 5))
  assert.deepEqual(rowsOf(2), rowsOf(12).slice(0, 1))
})

test('NO_COLOR leaves the frame as it is, without its colours', () => {
  const written = (): string => {
    const terminal = new FakeTerminal(80)
    liveDisplay(middle(), { stream: terminal, columns: 80, now: () => 0 }).tick()
    return terminal.written
  }
  delete process.env.NO_COLOR
  const colorful = written()
  process.env.NO_COLOR = '1'
  const colorless = written()
  delete process.env.NO_COLOR
  assert.match(colorful, /\u001b\[33mretrying\u001b\[39m/)
  assert.doesNotMatch(colorless, /\u001b\[\d+m/)
  assert.equal(stripVTControlCharacters(colorless), stripVTControlCharacters(colorful))
})

test('a terminal without a size gets its notes, and the frame once it has one', () => {
  assert.equal(show(0).terminal.seen, '$ dicom-backup run')
  const { terminal, display, wait } = show(0, middle(), 0)
  display.note('Ctrl-C again stops at once.')
  wait(200)
  assert.equal(terminal.seen, '$ dicom-backup run\nCtrl-C again stops at once.')
  terminal.rows = 30
  terminal.resize(80)
  wait(200)
  assert.match(terminal.seen, /at once\.\nStoring the DICOM files\n━/)
  terminal.rows = 1
  terminal.resize(80)
  wait(200)
  assert.equal(terminal.seen, '$ dicom-backup run\nCtrl-C again stops at once.')
})
