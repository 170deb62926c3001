/**
 * Everything that a connection and a service can do to a request, in the first, a middle and the last request of an
 * upload: the same run brings the archive to its end, everywhere the same, and sends no more again than it must.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { driveAnswers, dropboxAnswers, empty, html, text, type Fault } from '../../src/stages/stand-ins/index.ts'
import { runHere, type Waits } from '../support/run-here.ts'
import {
  mustBeDone,
  othersWereSentOnce,
  PLACES,
  REQUEST_BYTES,
  REQUESTS,
  scenarioRig,
  sentAgain,
  SERVICES,
  standInOf,
  type Place,
  type Service,
} from '../support/scenario.ts'

interface Scenario {
  readonly fault: Fault
  /** What may be sent again. `nothing`: not one byte; `a unit`: less than the 256 KiB that Drive keeps only whole. */
  readonly again: keyof typeof MOST_AGAIN
  readonly waits?: Pick<Waits, 'stallMs' | 'answerMs'>
  readonly places?: readonly Place[]
  readonly services?: readonly Service[]
}

const MOST_AGAIN = { nothing: 0, 'a unit': 256 * 1024, 'the request': REQUEST_BYTES }

/** Long enough for an honest answer, of the one request that it is of. ms. */
const SHORT = 6000
const SHORT_WAITS = { stallMs: SHORT, answerMs: SHORT }
const BEFORE_THE_LAST = PLACES.slice(0, 2)

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'the connection is cut before the first byte': { fault: { kind: 'cut', afterBytes: 0 }, again: 'nothing' },
  'the connection is cut, and nothing kept': { fault: { kind: 'cut', afterBytes: 1_000_000 }, again: 'the request' },
  'the connection is cut, and some kept': {
    fault: { kind: 'cut', afterBytes: 1_000_000, keep: 'some' },
    again: 'the request',
  },
  'the connection is cut, and all kept': {
    fault: { kind: 'cut', afterBytes: 1024 * 1024, keep: 'all' },
    again: 'nothing',
  },
  'a 500 comes before the commit': { fault: { kind: 'answer', answer: text(500, 'Oops') }, again: 'the request' },
  'a 503 comes before the commit, and all is kept': {
    fault: { kind: 'answer', answer: empty(503), keep: 'all' },
    again: 'a unit',
  },
  'a 500 comes after the commit': {
    fault: { kind: 'answer', answer: text(500, 'Oops'), at: 'after-commit' },
    again: 'nothing',
  },
  'a 502 comes with HTML': { fault: { kind: 'answer', answer: html(502) }, again: 'the request' },
  'a 503 comes empty under an odd type, after the commit': {
    fault: { kind: 'answer', answer: empty(503), at: 'after-commit' },
    again: 'nothing',
  },
  'no answer comes, before the commit': { fault: { kind: 'lost' }, again: 'the request' },
  'the answer is lost after the commit': { fault: { kind: 'lost', at: 'after-commit' }, again: 'nothing' },
  'the answer is half a text': { fault: { kind: 'truncated' }, again: 'nothing' },
  'the answer never comes': {
    fault: { kind: 'hang', at: 'after-commit' },
    again: 'nothing',
    waits: SHORT_WAITS,
  },
  'the request is never read': { fault: { kind: 'hang', at: 'arrival' }, again: 'nothing', waits: SHORT_WAITS },
  'the request is read by a byte a second': {
    fault: { kind: 'slow', bytesPerSecond: 1 },
    again: 'the request',
    waits: SHORT_WAITS,
  },
  'reading stops in the middle': {
    fault: { kind: 'stall', afterBytes: 500_000 },
    again: 'the request',
    waits: SHORT_WAITS,
  },
  'the answer takes its time': {
    fault: { kind: 'delay', ms: 2 * SHORT, at: 'after-commit' },
    again: 'nothing',
    waits: { stallMs: SHORT },
    places: ['the last request'],
  },
  'a 503 comes before the body is read': {
    fault: { kind: 'answer', answer: html(503), at: 'arrival' },
    again: 'nothing',
  },
  'a 429 comes before the body is read': {
    fault: { kind: 'answer', answer: dropboxAnswers.rateLimited('json', 1), at: 'arrival' },
    again: 'nothing',
    services: ['dropbox'],
  },
  'a 429 as text, then': {
    fault: { kind: 'answer', answer: dropboxAnswers.rateLimited('text', 1) },
    again: 'the request',
    services: ['dropbox'],
  },
  'a 429 for write operations': {
    fault: { kind: 'answer', answer: dropboxAnswers.rateLimited('json', 1, 'too_many_write_operations') },
    again: 'the request',
    services: ['dropbox'],
  },
  'a 409 for write operations': {
    fault: { kind: 'answer', answer: dropboxAnswers.writeContention('top'), keep: 'all' },
    again: 'nothing',
    services: ['dropbox'],
    places: ['the last request'],
  },
  'a 429 before the body is read': {
    fault: { kind: 'answer', answer: driveAnswers.rateLimited('429', 1), at: 'arrival' },
    again: 'nothing',
    services: ['drive'],
  },
  'a 403 for the rate': {
    fault: { kind: 'answer', answer: driveAnswers.rateLimited('403', 1) },
    again: 'the request',
    services: ['drive'],
  },
  'a 403 for the rate of a user, without a pause named': {
    fault: { kind: 'answer', answer: driveAnswers.rateLimited('403 user') },
    again: 'the request',
    services: ['drive'],
  },
  'half a chunk is kept although the answer is good': {
    fault: { kind: 'partial' },
    again: 'the request',
    services: ['drive'],
  },
  'the session moves': {
    fault: { kind: 'moved' },
    again: 'nothing',
    services: ['drive'],
    places: BEFORE_THE_LAST,
  },
  'the kept connection is closed': {
    fault: { kind: 'idle-close' },
    again: 'nothing',
    places: BEFORE_THE_LAST,
  },
}

for (const service of SERVICES) {
  describe(`an upload to ${service} comes to its end in the same run when`, { concurrency: 4 }, () => {
    for (const [what, { fault, again, waits, places = PLACES, services = SERVICES }] of Object.entries(SCENARIOS)) {
      if (!services.includes(service)) continue
      for (const place of places) {
        test(`${what}: at ${place}`, async (t) => {
          const rig = await scenarioRig(t)
          standInOf(rig, service).faults.add({ ...REQUESTS[service][place], fault })
          const one = { type: service === 'drive' ? 'google-drive' : service, nth: PLACES.indexOf(place) + 1 } as const
          const here = await runHere(rig, waits === undefined ? {} : { waits: { ...waits, ...one } })
          await mustBeDone(rig, here)
          assert.equal(here.result.resumed, false)
          othersWereSentOnce(rig, service, here)
          const most = MOST_AGAIN[again]
          const repeated = sentAgain(rig, service, here.result)
          assert.ok(repeated <= most, `${repeated} bytes were sent again, ${most} may be`)
        })
      }
    }
  })
}
