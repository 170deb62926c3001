import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { after, test } from 'node:test'
import { WriteStream } from 'node:tty'
import { asBackupError, BackupError } from '../../../src/pipeline/contract/errors.ts'
import { openLog } from '../../../src/stages/log/log.ts'
import type { Log } from '../../../src/stages/log/log.ts'
import type { Config } from '../../../src/stages/config/types.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'log-test-'))
const ROTATION = { maxSize: 10_000_000, keep: 5 }
after(() => {
  rmSync(folder, { recursive: true, force: true })
})
let count = 0

interface Logged {
  /** The file's lines. */
  readonly records: readonly Record<string, unknown>[]
  readonly file: string
  readonly people: string
}

/** Logs through the real thing and gives what came out of it. */
function logged(
  use: (logger: Log['logger']) => void,
  level: Config['log']['level'] = 'trace',
  secrets: string[] = [],
): Logged {
  const file = path.join(folder, `${++count}`, 'deeper', 'a.log')
  const people = new PassThrough()
  const log = openLog({ file, level, ...ROTATION }, secrets, people)
  use(log.logger)
  log.close()
  const text = level === 'silent' ? '' : readFileSync(file, 'utf8')
  const records = text.split('\n').filter((line) => line !== '')
  return {
    records: records.map((line) => JSON.parse(line) as Record<string, unknown>),
    file: text,
    people: (people.read() as Buffer | null)?.toString() ?? '',
  }
}

test('the log file gets one JSON object a line, with level, time and message', () => {
  const { records, people } = logged((logger) => {
    logger.info({ bytes: 5 }, 'sent')
    logger.debug('two\nlines')
  })
  assert.equal(records.length, 2)
  const [first, second] = records
  assert.deepEqual([first?.['level'], first?.['bytes'], first?.['msg']], ['info', 5, 'sent'])
  assert.match(String(first?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(first?.['pid'], process.pid)
  assert.deepEqual([second?.['level'], second?.['msg']], ['debug', 'two\nlines'])
  assert.equal(people, '')
})

test('a log file is added to, not begun again', () => {
  const file = path.join(folder, 'kept.log')
  writeFileSync(file, '{"msg":"old"}\n')
  const log = openLog({ file, level: 'info', ...ROTATION }, [], new PassThrough())
  log.logger.info('new')
  log.close()
  assert.match(readFileSync(file, 'utf8'), /^\{"msg":"old"\}\n\{.*"new"\}\n$/)
})

test('the level rules the file; warnings and errors reach people at any level', () => {
  const order = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
  for (const level of [...order, 'silent'] as const) {
    const { records, people } = logged((logger) => {
      for (const each of order) logger[each](`at ${each}`)
    }, level)
    const from = level === 'silent' ? order.length : order.indexOf(level)
    assert.deepEqual(
      records.map((record) => record['level']),
      order.slice(from),
    )
    assert.equal(people, 'warning: at warn\nerror: at error\nerror: at fatal\n')
  }
})

test('people get an error as one line: what happened, its code, what to do', () => {
  const error = new BackupError('E_QUOTA', 'nas: the disk\nis full.', { advice: 'Make room.', cause: new Error('x') })
  const { people } = logged((logger) => {
    logger.error(error)
    logger.warn({ err: error }, 'nas is given up')
    logger.warn('esc \u001b[31m and \u0007 bell')
  })
  assert.equal(
    people,
    'error: nas: the disk is full. (E_QUOTA) Make room.\n' +
      'warning: nas is given up: nas: the disk is full. (E_QUOTA) Make room.\n' +
      'warning: esc  and   bell\n',
  )
})

test('an error is logged as code, message, advice and causes, without what it carries along', () => {
  const request = Object.assign(new Error('socket hang up', { cause: new Error('reset') }), {
    config: { headers: { Authorization: 'Bearer hunter2' }, body: Buffer.from('hunter2') },
    response: { data: 'hunter2' },
    code: 'ECONNRESET',
  })
  const error = new BackupError('E_DESTINATION', 'drive: no answer.', { advice: 'Look later.', cause: request })
  const report = {
    code: 'E_DESTINATION',
    message: 'drive: no answer.',
    advice: 'Look later.',
    causes: ['socket hang up', 'reset'],
  }
  const { records, file } = logged((logger) => {
    logger.error(error)
    logger.error({ failure: { inner: [error] } }, 'nested')
    logger.warn({ err: request })
    logger.child({ destination: 'drive' }).warn(request, 'raw')
  })
  assert.deepEqual(records[0]?.['err'], report)
  assert.deepEqual(records[1]?.['failure'], { inner: [report] })
  for (const record of records.slice(2)) {
    const { code, causes, stack } = record['err'] as { code: string; causes: string[]; stack: string[] }
    assert.deepEqual([code, causes], ['ECONNRESET', ['reset']])
    assert.match(stack[0] ?? '', /^at .*log\.test\.ts/)
  }
  assert.equal(records[3]?.['destination'], 'drive')
  assert.doesNotMatch(file, /hunter2|config|headers|response/)
})

test('all errors of an AggregateError are told, and a chain without end comes to one', () => {
  const loop = new Error('loop')
  loop.cause = loop
  const { records } = logged((logger) => {
    logger.error(new AggregateError([new Error('one'), new Error('two', { cause: new Error('three') })], 'both'))
    logger.error(loop)
  })
  assert.deepEqual((records[0]?.['err'] as { causes: string[] }).causes, ['one', 'two', 'three'])
  assert.equal((records[1]?.['err'] as { causes: string[] }).causes.length, 8)
})

test("a system error's file, which may be named for a patient, is not in the log", () => {
  const missing = path.join(folder, 'DOE^JANE', '1.dcm')
  const { file, people } = logged((logger) => {
    try {
      readFileSync(missing)
    } catch (cause) {
      logger.error(cause)
      logger.error(asBackupError(cause))
      logger.error(new BackupError('E_SOURCE', 'A file cannot be read.', { cause }))
    }
  })
  assert.match(file, /ENOENT: no such file or directory, open \[path\]/)
  assert.doesNotMatch(file + people, /JANE/)
})

test('an unexpected fault is logged with the place in the program where it arose', () => {
  const { records } = logged((logger) => {
    logger.error(new BackupError('E_INTERNAL', 'An unexpected fault: x', { cause: new TypeError('x') }))
  })
  const { stack } = records[0]?.['err'] as { stack: string[] }
  assert.match(stack[0] ?? '', /log\.test\.ts/)
})

test('no secret comes into the log or to people, in any form and at any depth', () => {
  const secrets = ['hunter2-"quoted"', '123456', 'level', 'info', 'time', '2026', 'äöüß']
  const everywhere = (secret: string): unknown => ({
    text: `a ${secret} b`,
    list: [[{ deep: secret }]],
    [secret]: secret,
    url: new URL(`https://h/?x=${encodeURIComponent(secret)}`),
    base64: Buffer.from(secret.repeat(3)).toString('base64'),
  })
  for (const secret of secrets) {
    const { records, file, people } = logged(
      (logger) => {
        logger.warn({ data: everywhere(secret), number: Number(secret) || 0 }, `so: ${secret}`)
        logger.error(new BackupError('E_AUTH', `refused ${secret}`, { advice: secret, cause: new Error(secret) }))
        logger.child({ bound: secret }).error('formatted %s %j', secret, { secret })
      },
      'trace',
      [secret],
    )
    assert.equal(records.length, 3)
    const rest = records.map(({ level, time, msg, ...others }) => {
      assert.ok(level === 'warn' || level === 'error')
      assert.match(String(time), /Z$/)
      return [msg, others]
    })
    const plain = JSON.stringify(rest)
    assert.ok(!plain.includes(secret) && !plain.includes(JSON.stringify(secret).slice(1, -1)), plain)
    assert.ok(!plain.includes(encodeURIComponent(secret)), plain)
    assert.ok(!people.includes(secret), people)
    assert.match(file, /"so: \[secret\]"/)
  }
})

test('values under names of secrets are left out whatever they are; bytes are counted, not written', () => {
  const { records } = logged((logger) => {
    logger.info({
      headers: { authorization: 'x', 'Set-Cookie': ['y'], accept: 'z' },
      refreshToken: 'x',
      client_secret: 'x',
      sessionId: 'x',
      password: null,
      body: new Uint8Array(8),
    })
  })
  const { headers, refreshToken, client_secret, sessionId, password, body } = records[0] ?? {}
  assert.deepEqual(headers, { authorization: '[secret]', 'Set-Cookie': '[secret]', accept: 'z' })
  assert.deepEqual([refreshToken, client_secret, sessionId], ['[secret]', '[secret]', '[secret]'])
  assert.deepEqual([password, body], [null, '8 bytes'])
})

for (const [how, file] of [
  ['whose folder cannot be made', path.join(folder, 'plain', 'a.log')],
  ['that is a folder', folder],
  ['on a full disk', '/dev/full'],
] as const) {
  test(
    `a log file ${how} is told once, and nothing stops`,
    { skip: file === '/dev/full' && process.platform !== 'linux' },
    () => {
      writeFileSync(path.join(folder, 'plain'), '')
      const people = new PassThrough()
      const log = openLog({ file, level: 'info', ...ROTATION }, [], people)
      log.logger.info('one')
      log.logger.info('two')
      log.logger.error('three')
      log.close()
      const lines = String(people.read()).split('\n')
      assert.equal(lines.length, 3)
      assert.match(lines[0] ?? '', /^warning: The log file .* cannot be written \(E[A-Z]+\)\.$/)
      assert.equal(lines[1], 'error: three')
    },
  )
}

const script = `
  const { openLog } = await import(${JSON.stringify(new URL('../../../src/stages/log/log.ts', import.meta.url).href)})
  const log = openLog({ file: process.argv[1], level: 'info', maxSize: 1e7, keep: 5 }, [], process.stderr)
  log.logger.info('just before')
  log.logger.warn('look')
  process.kill(process.pid, 'SIGKILL')
`

test('what was logged is in the file even when the process is killed, and stdout gets nothing', () => {
  const file = path.join(folder, 'killed.log')
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, file], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '', FORCE_COLOR: undefined },
  })
  assert.deepEqual([stdout, stderr], ['', 'warning: look\n'])
  assert.match(readFileSync(file, 'utf8'), /just before.*\n.*look/)
})

test('only a terminal gets colour, and not with NO_COLOR', () => {
  const saved = { NO_COLOR: process.env['NO_COLOR'], FORCE_COLOR: process.env['FORCE_COLOR'] }
  delete process.env['FORCE_COLOR']
  const told = (isTTY: boolean, noColor: string | undefined): string => {
    if (noColor === undefined) delete process.env['NO_COLOR']
    else process.env['NO_COLOR'] = noColor
    const { CI: _, ...env } = process.env
    const people = Object.assign(new PassThrough(), {
      isTTY,
      getColorDepth: WriteStream.prototype.getColorDepth.bind(null, { ...env, TERM: 'xterm' }),
    })
    const log = openLog({ file: path.join(folder, 'colour.log'), level: 'silent', ...ROTATION }, [], people)
    log.logger.warn('look')
    log.close()
    return String(people.read())
  }
  try {
    assert.equal(told(true, undefined), '\u001b[33mwarning:\u001b[39m look\n')
    assert.equal(told(false, undefined), 'warning: look\n')
    assert.equal(told(true, '1'), 'warning: look\n')
  } finally {
    for (const [name, value] of Object.entries(saved)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
  }
})
