/** The results that --json prints, field by field as the contract names them. */
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { RunResult } from '../../src/stages/contract/results.ts'
import type { CliResult } from '../support/cli.ts'
import { makeRig, onlyNas } from '../support/rig.ts'

const POSIX_ONLY = process.platform === 'win32' && 'needs links and time zones that Windows does not give'

/** The one JSON object on stdout. */
function only({ stdout }: CliResult): unknown {
  assert.match(stdout, /^\{.*\}\n$/, 'one line, one object')
  return JSON.parse(stdout)
}

/** What a value must be: its type's name, a pattern, a literal, a list's only kind, exact fields, or one of several. */
type Kind =
  | 'string'
  | 'number'
  | 'boolean'
  | null
  | RegExp
  | { readonly list: Kind }
  | { readonly any: readonly Kind[] }
  | { readonly fields: Readonly<Record<string, Kind>> }

function mustBe(value: unknown, kind: Kind, at: string): void {
  if (kind === null || typeof kind === 'string') {
    assert.equal(value === null ? null : typeof value, kind, at)
    if (kind === 'number') assert.ok(Number.isSafeInteger(value) && Number(value) >= 0, `${at} is a count`)
  } else if (kind instanceof RegExp) {
    assert.match(String(value), kind, at)
  } else if ('list' in kind) {
    assert.ok(Array.isArray(value), at)
    value.forEach((item, index) => {
      mustBe(item, kind.list, `${at}[${index}]`)
    })
  } else if ('any' in kind) {
    const matches = kind.any.some((one) => {
      try {
        mustBe(value, one, at)
        return true
      } catch {
        return false
      }
    })
    assert.ok(matches, `${at} is ${JSON.stringify(value)}`)
  } else {
    assert.deepEqual(Object.keys(value as object).sort(), Object.keys(kind.fields).sort(), at)
    for (const [key, inner] of Object.entries(kind.fields))
      mustBe((value as Record<string, unknown>)[key], inner, `${at}.${key}`)
  }
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/
const error: Kind = { fields: { code: /^E_[A-Z]+$/, message: 'string' } }
const skipped: Kind = { list: { fields: { path: /^dicom_files\//, reason: 'string' } } }
const warnings: Kind = { list: { fields: { code: /^[a-z-]+$/, message: 'string' } } }
const runArchive = /^dicom_backup_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.zip$/
const archiveFields = {
  name: runArchive,
  bytes: 'number',
  files: 'number',
  md5: /^[0-9a-f]{32}$/,
  contentHash: /^[0-9a-f]{64}$/,
} as const satisfies Readonly<Record<string, Kind>>
const runFields: Readonly<Record<string, Kind>> = {
  runId: /^[0-9a-f-]{36}$/,
  status: /^(?:completed|partial|failed|interrupted|skipped)$/,
  resumed: 'boolean',
  startedAt: time,
  finishedAt: time,
  archive: { fields: archiveFields },
  dicom: { fields: { files: 'number', withoutStudy: 'number' } },
  skippedFiles: skipped,
  warnings,
  destinations: {
    list: {
      fields: {
        name: 'string',
        type: /^(?:dropbox|google-drive|local)$/,
        status: /^(?:completed|failed|interrupted)$/,
        bytesSent: 'number',
        remoteId: { any: ['string', null] },
        remotePath: { any: ['string', null] },
        error: { any: [error, null] },
      },
    },
  },
}

/** A folder, and one that is not there. */
const NAS_AND_GONE = [
  { name: 'nas', type: 'local', folder: 'nas' },
  { name: 'gone', type: 'local', folder: 'gone' },
] as const

describe('the JSON result', { skip: POSIX_ONLY }, () => {
  test('of a run has the fields of the contract, times in the local zone with its offset', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'content')
    await symlink('a.dcm', path.join(rig.root, 'link.dcm'))
    rig.dropbox.expireTokens()
    const before = Math.floor(Date.now() / 1000) * 1000
    const ended = await rig.cliWith({ env: { TZ: 'Asia/Kolkata' } }, 'run', '--json')
    const result = only(ended) as RunResult
    mustBe(result, { fields: runFields }, 'run')
    assert.equal(result.status, 'partial')
    assert.deepEqual(result.dicom, { files: 0, withoutStudy: 0 })
    assert.match(result.startedAt, /\+05:30$/)
    assert.ok(Date.parse(result.startedAt) >= before && Date.parse(result.finishedAt) <= Date.now())
    const local = result.startedAt.slice(0, 19).replace('T', '_').replaceAll(':', '-')
    assert.equal(result.archive?.name, `dicom_backup_${local}.zip`, 'named by the local time of the start')
    assert.equal(result.archive?.bytes, (await readFile(path.join(rig.nas, `dicom_backup_${local}.zip`))).length)
    const [dropbox, drive, nas] = result.destinations
    assert.deepEqual([dropbox?.bytesSent, dropbox?.remoteId, dropbox?.error?.code], [0, null, 'E_AUTH'])
    assert.deepEqual([drive?.bytesSent, nas?.bytesSent], [result.archive?.bytes, result.archive?.bytes])
    assert.equal(drive?.remoteId, rig.drive.objects()[0]?.id)
    assert.equal(nas?.remotePath, path.join(rig.nas, `dicom_backup_${local}.zip`))
  })

  test('of a run that fails has them too, the reason, and no archive', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rm(rig.root, { recursive: true })
    const failed = await rig.cli('run', '--json')
    assert.equal(failed.code, 1)
    mustBe(only(failed), { fields: { ...runFields, reason: 'string', archive: null, dicom: null } }, 'run')
  })

  test('of a plan has the fields of the contract', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'content')
    await symlink('a.dcm', path.join(rig.root, 'link.dcm'))
    rig.dropbox.expireTokens()
    const fields: Readonly<Record<string, Kind>> = {
      status: /^planned$/,
      files: 'number',
      bytes: 'number',
      estimatedArchiveBytes: 'number',
      database: null,
      dicom: { fields: { files: 'number', withoutStudy: 'number' } },
      byTransferSyntax: {
        list: {
          fields: {
            transferSyntax: { any: ['string', null] },
            name: 'string',
            files: 'number',
            bytes: 'number',
            estimatedArchiveBytes: 'number',
          },
        },
      },
      byModality: { list: { fields: { modality: { any: ['string', null] }, files: 'number', bytes: 'number' } } },
      destinations: {
        list: {
          fields: {
            name: 'string',
            freeBytes: { any: ['number', null] },
            fits: { any: ['boolean', null] },
            error: { any: [error, null] },
          },
        },
      },
      skippedFiles: skipped,
      warnings,
    }
    mustBe(only(await rig.cli('run', '--dry-run', '--json')), { fields }, 'plan')
  })

  test('of a resume has the fields of a run; with nothing to finish it is skipped, and says so', async (t) => {
    const rig = await makeRig(t, onlyNas)
    const nothing: Readonly<Record<string, Kind>> = {
      ...runFields,
      runId: null,
      reason: 'string',
      archive: null,
      dicom: null,
    }
    const skippedResume = await rig.cli('resume', '--json')
    assert.equal(skippedResume.code, 0)
    mustBe(only(skippedResume), { fields: nothing }, 'resume')
    assert.equal((only(skippedResume) as RunResult).status, 'skipped')

    await rig.put('a.dcm', 'content')
    await rig.configure({ destinations: [...NAS_AND_GONE] })
    assert.equal((await rig.cli('run', '--json')).code, 3)
    await mkdir(path.join(rig.folder, 'gone'))
    const resumed = await rig.cli('resume', '--json')
    // Folders prove themselves by the content hash, so nothing else was made.
    const archive = { fields: { ...archiveFields, md5: null } }
    mustBe(only(resumed), { fields: { ...runFields, archive } }, 'resume')
    const { status, resumed: went } = only(resumed) as RunResult
    assert.deepEqual([resumed.code, status, went], [0, 'completed', true])
  })

  test('of the status has the fields of the contract', async (t) => {
    const rig = await makeRig(t, { destinations: [...NAS_AND_GONE] })
    const interruptedRun: Kind = {
      fields: {
        runId: /^[0-9a-f-]{36}$/,
        archive: runArchive,
        startedAt: time,
        archiveBytes: 'number',
        whole: 'boolean',
        destinations: {
          list: {
            fields: {
              name: 'string',
              status: /^(?:completed|interrupted|failed)$/,
              heldBytes: 'number',
              error: { any: [error, null] },
            },
          },
        },
      },
    }
    const reason: Kind = { fields: { code: /^[a-z-]+$/, destination: { any: ['string', null] }, message: 'string' } }
    const fields = (lastRunAt: Kind, open: Kind): Readonly<Record<string, Kind>> => ({
      reasons: { list: reason },
      running: null,
      copies: { list: { any: [] } },
      schedule: { fields: { enabled: 'boolean', every: /^(?:1|3|6|12|24)h$/, lastRunAt, nextDueAt: time } },
      backedUp: 'number',
      lastVerified: { any: [null] },
      accounts: {
        list: {
          fields: {
            name: 'string',
            type: /^local$/,
            active: 'boolean',
            lastBackupAt: { any: [time, null] },
            lastStatus: { any: [/^(?:completed|failed|interrupted)$/, null] },
            lastError: { any: [error, null] },
            signIn: null,
          },
        },
      },
      interruptedRun: open,
    })
    mustBe(only(await rig.cli('status', '--json')), { fields: fields(null, null) }, 'status')
    await rig.put('a.dcm', 'content')
    assert.equal((await rig.run()).code, 3)
    mustBe(only(await rig.cli('status', '--json')), { fields: fields(time, interruptedRun) }, 'status')
  })

  test('of the doctor has the fields of the contract', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'content')
    rig.dropbox.expireTokens()
    const level = /^(?:ok|warning|failed)$/
    const check: Kind = { fields: { name: 'string', ok: 'boolean', level, detail: 'string', remedy: 'string' } }
    mustBe(only(await rig.cli('doctor', '--json')), { fields: { ok: 'boolean', checks: { list: check } } }, 'doctor')
  })
})
