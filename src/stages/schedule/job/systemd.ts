/** A systemd service and its timer. systemd.service(5), systemd.timer(5), systemd.syntax(7) */
import os from 'node:os'
import path from 'node:path'
import { jobName, type JobCall, type JobCommand, type JobPlan } from './job.ts'

/** Whose systemd: the machine's, for root, or that of one account. */
export interface SystemdPlace {
  readonly scope: 'system' | 'user'
  readonly folder: string
}

export function systemdPlace(
  uid: number = process.getuid?.() ?? 0,
  home: string = os.homedir(),
  env: NodeJS.ProcessEnv = process.env,
): SystemdPlace {
  if (uid === 0) return { scope: 'system', folder: '/etc/systemd/system' }
  const config = env['XDG_CONFIG_HOME'] ?? ''
  return { scope: 'user', folder: path.join(config === '' ? path.join(home, '.config') : config, 'systemd/user') }
}

export function systemdJob(call: JobCall, place: SystemdPlace): JobPlan {
  const name = jobName(call)
  const file = (ending: string, content: string): JobPlan['files'][number] => ({
    path: path.join(place.folder, `${name}.${ending}`),
    content,
    encoding: 'utf8',
  })
  return {
    kind: 'systemd',
    name,
    files: [file('service', service(call)), file('timer', timer(call))],
    commands: [
      systemctl(place, 'daemon-reload'),
      systemctl(place, 'enable', '--now', `${name}.timer`),
      ...(place.scope === 'system'
        ? []
        : [
            {
              words: ['loginctl', 'enable-linger'],
              optional:
                'Without it the job runs only while you are logged on. As an administrator: loginctl enable-linger USER',
            },
          ]),
    ],
    notes: [
      `What it did: journalctl ${place.scope === 'user' ? '--user ' : ''}-u ${name}.service; when it comes next: systemctl ${place.scope === 'user' ? '--user ' : ''}list-timers ${name}.timer`,
    ],
  }
}

/** The files' content does not matter here: they are removed. */
export function systemdRemoval(call: JobCall, place: SystemdPlace): JobPlan {
  const plan = systemdJob(call, place)
  return { ...plan, commands: [systemctl(place, 'disable', '--now', `${plan.name}.timer`)], notes: [] }
}

/** To be run when the files are gone. */
export function systemdReload(place: SystemdPlace): JobCommand {
  return systemctl(place, 'daemon-reload')
}

function systemctl({ scope }: SystemdPlace, ...words: readonly string[]): JobCommand {
  return { words: ['systemctl', ...(scope === 'user' ? ['--user'] : []), ...words] }
}

/**
 * `oneshot` has no time limit for its start: a run may take days. Exit 4 says that another run is active, 130 that
 * the machine was shut down; 3 shows as failed, as someone has to look at it.
 */
function service({ program, args, folder, config }: JobCall): string {
  return `[Unit]
Description=dicom-backup, when its schedule says so (${specifiers(config)})
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory=${specifiers(closed(folder))}
ExecStart=${[quoted(specifiers(program)), ...args.map((arg) => quoted(specifiers(arg).replaceAll('$', '$$$$')))].join(' ')}
SuccessExitStatus=4 130
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
TimeoutStopSec=90
`
}

/** Persistent: an hour that was missed while the machine was off is made up for once it is on. */
function timer({ config }: JobCall): string {
  return `[Unit]
Description=Every hour: dicom-backup, when its schedule says so (${specifiers(config)})

[Timer]
OnCalendar=hourly
Persistent=true
AccuracySec=1min

[Install]
WantedBy=timers.target
`
}

/** A value cannot be quoted here, and must not end with a space or a backslash. */
function closed(folder: string): string {
  return folder.endsWith('/') ? folder : `${folder}/`
}

/** systemd.unit(5), "Specifiers" */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%')
}

/** systemd.syntax(7), "Quoting" */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
