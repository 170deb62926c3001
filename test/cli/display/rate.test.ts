import assert from 'node:assert/strict'
import test from 'node:test'
import { newPaceMeter, type Pace } from '../../../src/cli/display/rate.ts'
import { GIB, MIB, progressOf, type ProgressSample } from './samples.ts'

const TOTAL = 100 * GIB

/** A run that reads 100 MiB a second, halves it, and sends what it made at once to both destinations. */
function steady(): ProgressSample {
  return progressOf(
    [
      { name: 'cloud', state: 'sending', held: 0, sent: 0 },
      { name: 'nas', state: 'sending', held: 0, sent: 0 },
    ],
    { phase: 'archiving', filesTotal: 1000, bytesTotal: TOTAL },
  )
}

function advance(progress: ProgressSample, seconds: number): void {
  progress.bytesDone = Math.min(TOTAL, 100 * MIB * seconds)
  progress.archiveBytes = progress.bytesDone / 2
  for (const destination of progress.destinations) {
    destination.held = progress.archiveBytes
    destination.sent = progress.archiveBytes
  }
}

/** Looks every 200 ms while `step` moves the counters; the last pace. */
function watch(progress: ProgressSample, seconds: number, step: (seconds: number) => void): Pace {
  const meter = newPaceMeter()
  let pace: Pace | null = null
  for (let at = 0; at <= seconds * 1000; at += 200) {
    step(at / 1000)
    pace = meter.look(progress, 1_000_000 + at)
  }
  assert.ok(pace !== null)
  return pace
}

const near = (actual: number | null | undefined, expected: number): void => {
  assert.ok(
    actual != null && Math.abs(actual - expected) <= expected * 0.02,
    `${String(actual)} is not about ${expected}`,
  )
}

test('a steady run tells its rates, its share and its time left', () => {
  const progress = steady()
  const pace = watch(progress, 200, (seconds) => {
    advance(progress, seconds)
  })
  near(pace.read, 100 * MIB)
  near(pace.upload[0], 50 * MIB)
  near(pace.fraction, (200 * 100 * MIB) / TOTAL)
  near(pace.leftMs, 824_000)
})

test('there is no rate before the first second', () => {
  const progress = steady()
  const pace = watch(progress, 0.8, (seconds) => {
    advance(progress, seconds)
  })
  assert.deepEqual([pace.read, pace.upload, pace.leftMs], [null, [null, null], null])
})

test('a rate is that of the last half minute', () => {
  const progress = steady()
  const pace = watch(progress, 70, (seconds) => {
    advance(progress, Math.min(seconds, 40))
  })
  assert.equal(pace.read, 0)
  const slower = watch(progress, 100, (seconds) => {
    advance(progress, seconds < 50 ? seconds : 50 + (seconds - 50) / 10)
  })
  near(slower.read, 10 * MIB)
})

test('no time left is told before ten seconds, nor before one hundredth in the first minute', () => {
  const progress = steady()
  const at = (seconds: number, speed = 1): number | null => {
    return watch(progress, seconds, (now) => {
      advance(progress, now * speed)
    }).leftMs
  }
  assert.equal(at(9.8), null)
  assert.equal(at(10), null)
  assert.notEqual(at(10.4), null)
  assert.equal(at(59.8, 0.1), null)
  assert.notEqual(at(60, 0.1), null)
})

test('no time left is told while the total is not known or the run is not at its files', () => {
  for (const counters of [{ bytesTotal: null }, { phase: 'preparing' as const }, { phase: 'dumping' as const }]) {
    const progress = Object.assign(steady(), counters)
    const pace = watch(progress, 200, (seconds) => {
      advance(progress, seconds)
    })
    assert.deepEqual([pace.fraction, pace.leftMs], [null, null])
  }
})

test('the slowest destination makes the time left and the share', () => {
  const progress = steady()
  const pace = watch(progress, 200, (seconds) => {
    advance(progress, seconds)
    const [cloud] = progress.destinations
    assert.ok(cloud)
    cloud.held = cloud.sent = progress.archiveBytes / 10
  })
  near(pace.fraction, (0.1 * 200 * 100 * MIB) / TOTAL)
  near(pace.leftMs, ((TOTAL / 2 - 200 * 5 * MIB) / (5 * MIB)) * 1000)
})

test('a destination that failed or has finished is not waited for; one that stands still makes the end unknown', () => {
  for (const state of ['failed', 'completed', 'sending'] as const) {
    const progress = steady()
    const pace = watch(progress, 200, (seconds) => {
      advance(progress, seconds)
      const [cloud] = progress.destinations
      assert.ok(cloud)
      Object.assign(cloud, { state, held: 10 * MIB, sent: 10 * MIB })
    })
    if (state === 'sending') assert.equal(pace.leftMs, null)
    else near(pace.leftMs, 824_000)
  }
})

test('what a resumed run begins with is nobody’s pace', () => {
  const progress = steady()
  progress.phase = 'preparing'
  const pace = watch(progress, 100, (seconds) => {
    if (seconds < 5) return
    progress.phase = 'archiving'
    advance(progress, 500 + seconds)
    for (const destination of progress.destinations) destination.sent = 50 * MIB * (seconds - 5)
  })
  near(pace.read, 100 * MIB)
  near(pace.leftMs, (1024 - 600) * 1000)
})

test('a run that is resumed among its files, or at its end, counts only what it does itself', () => {
  const progress = steady()
  const begin = (): void => {
    advance(progress, 600)
    for (const destination of progress.destinations) destination.sent = 0
  }
  begin()
  assert.deepEqual(newPaceMeter().look(progress, 0), {
    read: null,
    upload: [null, null],
    fraction: (600 * 100 * MIB) / TOTAL,
    leftMs: null,
  })
  const pace = watch(progress, 40, (seconds) => {
    advance(progress, 600 + seconds)
    for (const destination of progress.destinations) destination.sent = 50 * MIB * seconds
  })
  near(pace.read, 100 * MIB)
  near(pace.upload[0], 50 * MIB)
  near(pace.leftMs, (1024 - 640) * 1000)

  progress.phase = 'finishing'
  const last = watch(progress, 40, (seconds) => {
    progress.bytesDone = TOTAL
    progress.archiveBytes = TOTAL / 2
    for (const destination of progress.destinations) {
      destination.sent = 50 * MIB * seconds
      destination.held = TOTAL / 2 - 5000 * MIB + destination.sent
    }
  })
  assert.equal(last.read, 0)
  near(last.leftMs, 60_000)
})

test('the database that an earlier process has read is not this one’s rate', () => {
  const progress = Object.assign(steady(), { phase: 'dumping', dumpBytes: 30 * GIB, archiveBytes: 10 * GIB } as const)
  const pace = watch(progress, 20, (seconds) => {
    progress.dumpBytes = 30 * GIB + 80 * MIB * seconds
  })
  near(pace.read, 80 * MIB)
})

test('a destination that is behind is waited for at its own pace', () => {
  const progress = steady()
  const pace = watch(progress, 100, (seconds) => {
    advance(progress, 900 + seconds)
    for (const destination of progress.destinations) destination.sent = 50 * MIB * seconds
    const [cloud] = progress.destinations
    assert.ok(cloud)
    cloud.state = 'behind'
    cloud.held = 20_000 * MIB + 10 * MIB * seconds
    cloud.sent = 10 * MIB * seconds
  })
  near(pace.leftMs, ((51_200 - 21_000) / 10) * 1000)
  near(pace.fraction, (21_000 * 2 * MIB) / TOTAL)
})

test('a destination that was interrupted keeps its share, and no time left is told', () => {
  const progress = steady()
  const pace = watch(progress, 200, (seconds) => {
    advance(progress, Math.min(seconds, 100))
    for (const destination of progress.destinations) if (seconds > 100) destination.state = 'interrupted'
  })
  near(pace.fraction, (100 * 100 * MIB) / TOTAL)
  assert.equal(pace.leftMs, null)
})

test('what a destination turns out to hold already is not its pace', () => {
  const progress = steady()
  const pace = watch(progress, 60, (seconds) => {
    advance(progress, 500 + seconds)
    for (const destination of progress.destinations) {
      destination.sent = 10 * MIB * seconds
      destination.held = seconds < 3 ? 0 : 20_000 * MIB + destination.sent
    }
  })
  near(pace.upload[0], 10 * MIB)
  near(pace.leftMs, ((51_200 - 20_600) / 10) * 1000)
})

test('bytes that had to be sent again count as upload, not as progress', () => {
  const progress = steady()
  const pace = watch(progress, 200, (seconds) => {
    advance(progress, seconds)
    for (const destination of progress.destinations) destination.sent = destination.held * 3
  })
  near(pace.upload[1], 150 * MIB)
  near(pace.leftMs, 824_000)
})

test('at the end the uploads alone are waited for, and nothing while they are verified', () => {
  const progress = steady()
  const [cloud, nas] = progress.destinations
  assert.ok(cloud && nas)
  const finish = (seconds: number): void => {
    progress.phase = 'finishing'
    progress.bytesDone = TOTAL
    progress.archiveBytes = TOTAL / 2
    nas.state = 'completed'
    nas.held = TOTAL / 2
    cloud.held = cloud.sent = TOTAL / 2 - 1000 * MIB + 10 * MIB * seconds
  }
  const pace = watch(progress, 40, finish)
  near(pace.leftMs, 60_000)
  assert.ok(pace.fraction !== null && pace.fraction < 1)
  cloud.state = 'verifying'
  assert.equal(watch(progress, 50, finish).leftMs, null)
  cloud.state = 'completed'
  assert.equal(watch(progress, 50, finish).fraction, 1)
})

test('an archive folder without bytes is whole only at the end', () => {
  const progress = progressOf([], { phase: 'archiving', filesTotal: 0, bytesTotal: 0 })
  assert.equal(newPaceMeter().look(progress, 0).fraction, 0)
  progress.phase = 'finishing'
  assert.equal(newPaceMeter().look(progress, 0).fraction, 1)
})

test('a clock that is set back starts the rates anew', () => {
  const progress = steady()
  const meter = newPaceMeter()
  for (let second = 0; second <= 20; second++) {
    advance(progress, second)
    meter.look(progress, second * 1000)
  }
  assert.equal(meter.look(progress, 5000).read, null)
  advance(progress, 22)
  near(meter.look(progress, 7000).read, 100 * MIB)
})
