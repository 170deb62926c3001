import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { cronJob, cronLine, cronRemoval, hasCronJob } from '../../../../src/stages/schedule/job/cron.ts'
import { hasControlCharacters, jobName, type JobCall } from '../../../../src/stages/schedule/job/job.ts'
import { systemdJob } from '../../../../src/stages/schedule/job/systemd.ts'
import { taskSchedulerJob } from '../../../../src/stages/schedule/job/task-scheduler.ts'
import { findProgram } from '../../../support/find-program.ts'
import { notOnWindows } from '../../../support/on-windows.ts'
import { tempFolder } from '../../../support/temp-folder.ts'

const HOSTILE = [
  '/srv/backup/dicom-backup.yaml',
  "/srv/the hospital's/100% $HOME `id` $(id) \\back;&|<>.yaml",
  '/srv/"quoted"/Müller 日本 🩻/%n%i$$.yaml',
  '/srv/ends with a backslash\\',
  '/srv/two\\\\backslashes, and one before a \\%.yaml',
]

const call = (config: string): JobCall => ({
  program: '/opt/node 24/bin/node',
  args: ['/opt/dicom backup/main.js', 'run', '--if-due', '--config', config],
  folder: '/srv/a folder%',
  config,
})

describe('the line in a crontab', () => {
  test(
    'is read back by the shell as it was meant, whatever the path',
    { skip: notOnWindows('it has no such shell') },
    () => {
      for (const config of HOSTILE) {
        const line = cronLine(call(config))
        assert.doesNotMatch(line, /\\\\/, 'of two backslashes in a row cron takes one away')
        assert.match(line, /^0 \* \* \* \* /)
        // cron ends the command at a bare %, and takes the backslash off the others.
        const command = line.slice('0 * * * * '.length)
        assert.doesNotMatch(command.replaceAll('\\%', ''), /%/)
        const script = command
          .replaceAll('\\%', '%')
          .replace(/^cd .*? && /, '')
          .replace('>/dev/null', '')
        const told = execFileSync('/bin/sh', [
          '-c',
          `set -- ${script.slice(0, script.lastIndexOf(' # '))}\nprintf '%s\\n' "$@"`,
        ])
        assert.deepEqual(told.toString().split('\n').slice(0, -1), [call(config).program, ...call(config).args])
      }
    },
  )

  test('takes the place of its earlier form, and goes without touching another line', () => {
    const others = '# mine\nMAILTO=admin\n5 4 * * * other # dicom-backup-0badf00d\n'
    const [one, two] = [call('/srv/one.yaml'), call('/srv/two.yaml')]
    const table = (plan: ReturnType<typeof cronJob>): string => plan.commands[0]?.input ?? ''
    const both = table(cronJob(two, table(cronJob(one, others))))
    assert.equal(both, `${others}${cronLine(one)}\n${cronLine(two)}\n`)
    assert.equal(table(cronJob(one, table(cronJob(one, others)))), `${others}${cronLine(one)}\n`)
    assert.ok(hasCronJob(one, both) && !hasCronJob(one, table(cronRemoval(one, both))))
    assert.equal(table(cronRemoval(two, table(cronRemoval(one, both)))), others)
    assert.equal(table(cronJob(one, 'no line end')), `no line end\n${cronLine(one)}\n`)
  })
})

describe('the units for systemd', () => {
  const place = { scope: 'system', folder: '/etc/systemd/system' } as const

  test('are found well by systemd itself, whatever the path', async (t) => {
    if (findProgram('systemd-analyze') === null) {
      t.skip('this machine has no systemd-analyze')
      return
    }
    const folder = await tempFolder(t)
    for (const config of HOSTILE) {
      // The program has to be there; what follows it is what is hostile.
      const plan = systemdJob({ ...call(config), program: '/bin/sh', folder: '/srv' }, place)
      for (const { path: file, content } of plan.files) writeFileSync(path.join(folder, path.basename(file)), content)
      const files = plan.files.map((one) => path.join(folder, path.basename(one.path)))
      const { stderr, stdout } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' })
      const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes(plan.name))
      assert.deepEqual(about, [], config)
    }
    const when = spawnSync('systemd-analyze', ['calendar', 'hourly'], { encoding: 'utf8' })
    assert.match(when.stdout, /\*-\*-\* \*:00:00/)
  })

  test('start what was meant: quotes, specifiers and variables mean nothing in a path', () => {
    for (const config of HOSTILE) {
      const [service] = systemdJob(call(config), place).files
      const line = /^ExecStart=(.*)$/m.exec(service?.content ?? '')?.[1] ?? ''
      const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"(?: |$)/g)].map(([, word = '']) =>
        word.replaceAll(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$'),
      )
      assert.deepEqual(words, [call(config).program, ...call(config).args])
    }
  })

  test('have a time limit for no run, and make up for a missed hour', () => {
    const [service, timer] = systemdJob(call('/c.yaml'), place).files
    assert.match(service?.content ?? '', /^Type=oneshot$/m)
    assert.doesNotMatch(service?.content ?? '', /TimeoutStartSec|RuntimeMaxSec/)
    assert.match(timer?.content ?? '', /^OnCalendar=hourly\nPersistent=true$/m)
  })
})

/**
 * The parts of the schema that a definition of ours uses: what may stand where, and in which order where that counts.
 * https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
 */
const SCHEMA: Readonly<Record<string, { readonly ordered?: true; readonly children: readonly string[] }>> = {
  Task: { children: ['RegistrationInfo', 'Triggers', 'Settings', 'Data', 'Principals', 'Actions'] },
  RegistrationInfo: {
    children: ['URI', 'SecurityDescriptor', 'Source', 'Date', 'Author', 'Version', 'Description', 'Documentation'],
  },
  Triggers: {
    children: [
      'BootTrigger',
      'RegistrationTrigger',
      'IdleTrigger',
      'TimeTrigger',
      'EventTrigger',
      'LogonTrigger',
      'CalendarTrigger',
    ],
  },
  TimeTrigger: {
    ordered: true,
    children: ['Enabled', 'StartBoundary', 'EndBoundary', 'Repetition', 'ExecutionTimeLimit', 'RandomDelay'],
  },
  Repetition: { children: ['Interval', 'Duration', 'StopAtDurationEnd'] },
  Principals: { children: ['Principal'] },
  Principal: { children: ['UserId', 'LogonType', 'GroupId', 'DisplayName', 'RunLevel'] },
  Settings: {
    children: [
      'AllowStartOnDemand',
      'RestartOnFailure',
      'MultipleInstancesPolicy',
      'DisallowStartIfOnBatteries',
      'StopIfGoingOnBatteries',
      'AllowHardTerminate',
      'StartWhenAvailable',
      'NetworkProfileName',
      'RunOnlyIfNetworkAvailable',
      'WakeToRun',
      'Enabled',
      'Hidden',
      'DeleteExpiredTaskAfter',
      'IdleSettings',
      'NetworkSettings',
      'ExecutionTimeLimit',
      'Priority',
      'RunOnlyIfIdle',
    ],
  },
  Actions: { children: ['Exec', 'ComHandler', 'SendEmail', 'ShowMessage'] },
  Exec: { children: ['Command', 'Arguments', 'WorkingDirectory'] },
}
const VALUES: Readonly<Record<string, RegExp>> = {
  LogonType: /^(S4U|Password|InteractiveToken|InteractiveTokenOrPassword)$/,
  RunLevel: /^(LeastPrivilege|HighestAvailable)$/,
  MultipleInstancesPolicy: /^(Parallel|Queue|IgnoreNew|StopExisting)$/,
  StartBoundary: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
  Interval: /^PT1H$/,
  ExecutionTimeLimit: /^PT0S$/,
  Priority: /^(10|\d)$/,
}

interface Element {
  readonly name: string
  readonly children: Element[]
  text: string
}

/** Elements of an XML text that was seen to be well-formed. */
function parsed(xml: string): Element {
  const root: Element = { name: '', children: [], text: '' }
  const open = [root]
  for (const [, end, name, text] of xml.matchAll(/<(\/?)([A-Za-z]\w*)[^>]*>([^<]*)/g)) {
    if (end === '/') open.pop()
    else {
      const element = { name: name ?? '', children: [], text: text ?? '' }
      open.at(-1)?.children.push(element)
      open.push(element)
    }
  }
  return root
}

const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')

/** A command line in the way Windows programs take theirs apart. */
function windowsWords(line: string): string[] {
  const words: string[] = []
  let [word, quoted, any] = ['', false, false]
  for (let at = 0; at < line.length;) {
    const slashes = /^\\*/.exec(line.slice(at))?.[0].length ?? 0
    const next = line[at + slashes] ?? ''
    if (next === '"') {
      word += '\\'.repeat(Math.floor(slashes / 2))
      if (slashes % 2 === 1) word += '"'
      else quoted = !quoted
      any = true
      at += slashes + 1
    } else if (slashes > 0) {
      word += '\\'.repeat(slashes)
      at += slashes
    } else if (/\s/.test(next) && !quoted) {
      if (any || word !== '') words.push(word)
      ;[word, any] = ['', false]
      at += 1
    } else {
      word += next
      at += 1
    }
  }
  return any || word !== '' ? [...words, word] : words
}

describe('the definition for the Task Scheduler', () => {
  const plan = (config: string): string =>
    taskSchedulerJob(call(config), 'KLINIK\\Bäcker & Söhne', 'x.xml').files[0]?.content ?? ''

  test("has what Microsoft's schema allows, in its order", () => {
    const check = ({ name, children, text }: Element): void => {
      if (children.length === 0) {
        const value = VALUES[name]
        if (value !== undefined) assert.match(text, value, name)
        return
      }
      const allowed = SCHEMA[name]
      assert.ok(allowed, `${name} is known`)
      const places = children.map((child) => allowed.children.indexOf(child.name))
      assert.ok(!places.includes(-1), `${name} holds ${children.map((child) => child.name).join(', ')}`)
      if (allowed.ordered === true)
        assert.deepEqual(
          places,
          [...places].sort((a, b) => a - b),
        )
      children.forEach(check)
    }
    const [task] = parsed(plan('C:\\backup\\dicom-backup.yaml')).children
    assert.ok(task?.name === 'Task')
    check(task)
  })

  test('is well-formed, UTF-16 with its mark, and starts what was meant, whatever the path', async (t) => {
    const folder = await tempFolder(t)
    for (const config of [...HOSTILE, 'C:\\Program Files\\a "b" & <c>\\\\', 'C:\\ends in\\']) {
      const xml = plan(config)
      assert.equal(xml.charCodeAt(0), 0xfeff)
      assert.equal(taskSchedulerJob(call(config), 'u', 'x').files[0]?.encoding, 'utf16le')
      if (findProgram('xmllint') !== null) {
        writeFileSync(path.join(folder, 'task.xml'), xml, 'utf16le')
        execFileSync('xmllint', ['--noout', path.join(folder, 'task.xml')])
      }
      const words = unescaped(/<Arguments>(.*)<\/Arguments>/.exec(xml)?.[1] ?? '')
      assert.deepEqual(windowsWords(words), [...call(config).args])
    }
  })

  test('runs whether or not someone is logged on, catches up after sleep, never twice at once, and for days', () => {
    const xml = plan('C:\\c.yaml')
    for (const [name, value] of Object.entries({
      LogonType: 'S4U',
      StartWhenAvailable: 'true',
      MultipleInstancesPolicy: 'IgnoreNew',
      ExecutionTimeLimit: 'PT0S',
      DisallowStartIfOnBatteries: 'false',
    })) {
      assert.ok(xml.includes(`<${name}>${value}</${name}>`), name)
    }
  })
})

describe('a job', () => {
  test('has a name of its own for each configuration, and the same every time', () => {
    const names = HOSTILE.map((config) => jobName({ config }))
    assert.equal(new Set(names).size, HOSTILE.length)
    assert.deepEqual(
      names,
      HOSTILE.map((config) => jobName({ config })),
    )
    for (const name of names) assert.match(name, /^dicom-backup-[0-9a-f]{8}$/)
  })

  test('with a line break in a path is seen before anything is written', () => {
    assert.ok(hasControlCharacters(call('/srv/a\nrm -rf /')))
    assert.ok(!HOSTILE.some((config) => hasControlCharacters(call(config))))
  })
})
