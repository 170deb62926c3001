/**
 * A task of the Windows Task Scheduler. [MS-TSCH] 2.3 and
 * https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema; a trigger's elements stand in the schema's order.
 */
import path from 'node:path'
import { systemProgram } from '../../windows/system-program.ts'
import { jobName, type JobCall, type JobCommand, type JobPlan } from './job.ts'

const SCHTASKS = systemProgram('schtasks.exe')

/** Tasks of this program stand in a folder of their own. */
const taskPath = (call: JobCall): string => `\\dicom-backup\\${jobName(call)}`

/** `user`: 'DOMAIN\\account'. `file`: where the definition is written for schtasks to read. */
export function taskSchedulerJob(call: JobCall, user: string, file: string): JobPlan {
  return {
    kind: 'task-scheduler',
    name: taskPath(call),
    // schtasks takes XML as UTF-16 only.
    files: [{ path: file, content: `\uFEFF${definition(call, user)}`, encoding: 'utf16le' }],
    commands: [{ words: [SCHTASKS, '/Create', '/TN', taskPath(call), '/XML', file, '/F'] }],
    notes: [
      `It runs as ${user}, whether or not someone is logged on, and without a stored password; so it has no password to show to other machines. When a folder in the configuration is on another machine, give it one: schtasks /Change /TN ${taskPath(call)} /RU ${user} /RP *`,
      'It wakes no computer that sleeps, and a backup does not keep one awake: turn sleep off where backups are made (powercfg /change standby-timeout-ac 0).',
    ],
  }
}

export function taskSchedulerRemoval(call: JobCall): JobPlan {
  const commands = [{ words: [SCHTASKS, '/Delete', '/TN', taskPath(call), '/F'] }]
  return { kind: 'task-scheduler', name: taskPath(call), files: [], commands, notes: [] }
}

/** Fails when there is no such task. */
export function taskSchedulerQuery(call: JobCall): JobCommand {
  return { words: [SCHTASKS, '/Query', '/TN', taskPath(call)] }
}

/** A local start time in the past on a full hour, so that it comes on each full hour. */
const FIRST_HOUR = '2024-01-01T00:00:00'

function definition(call: JobCall, user: string): string {
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Every hour: dicom-backup, when its schedule says so (${xml(call.config)})</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>${FIRST_HOUR}</StartBoundary>
      <Repetition>
        <Interval>PT1H</Interval>
        <StopAtDurationEnd>false</StopAtDurationEnd>
      </Repetition>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${xml(user)}</UserId>
      <LogonType>S4U</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>${xml(call.program)}</Command>
      <Arguments>${xml(call.args.map(argument).join(' '))}</Arguments>
      <WorkingDirectory>${xml(path.win32.normalize(call.folder))}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** As a Windows program takes its command line apart: backslashes count double before a quote. */
function argument(word: string): string {
  if (word !== '' && !/[\s"]/.test(word)) return word
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, '$&$&')}"`
}
