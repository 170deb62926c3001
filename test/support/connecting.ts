/** `accounts connect` as a person uses it: with a browser that is a program of ours, or with what they paste. */
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SignIn } from '../../src/stages/accounts/sign-ins.ts'
import type { StatusResult } from '../../src/stages/contract/results.ts'
import type { CliResult } from './cli.ts'
import { makeRig, SECRETS, type Rig, type Settings } from './rig.ts'

export const DROPBOX = 'hospital-dropbox'
export const DRIVE = 'hospital-drive'

/** For `configure`: neither service has a sign-in yet. */
export const UNCONNECTED = {
  destinations: [
    { name: DROPBOX, type: 'dropbox', folder: '/DICOM_Backups', appKey: 'app-key' },
    {
      name: DRIVE,
      type: 'google-drive',
      folder: 'DICOM_Backups',
      oauth: { clientId: 'client-id', clientSecret: SECRETS.clientSecret },
    },
    { name: 'nas', type: 'local', folder: 'nas' },
  ],
} satisfies Settings

export async function unconnectedRig(
  t: Parameters<typeof makeRig>[0],
  options: Parameters<typeof makeRig>[2] = {},
): Promise<Rig> {
  const rig = await makeRig(t, UNCONNECTED, options)
  await rig.put('a.dcm', 'content')
  return rig
}

export interface Page {
  /** Where the person is sent. */
  readonly address: string
  readonly child: ChildProcess
  /** What the service's page does after consent: the browser is sent to where the program listens. */
  consent(): Promise<number>
}

/** The person's part, once they know where to go. */
export type Person = (page: Page) => Promise<unknown>

/** They allow the access. */
export const allows: Person = (page) => page.consent()

/** With a browser; the redirect comes to a free port. */
export async function connectWithBrowser(
  rig: Rig,
  name: string,
  person: Person = allows,
  ...args: readonly string[]
): Promise<CliResult> {
  const file = path.join(rig.folder, 'address')
  const browser = path.join(rig.folder, 'browser')
  await writeFile(browser, `#!/bin/sh\nprintf '%s' "$*" > '${file}.part' && mv '${file}.part' '${file}'\n`)
  await chmod(browser, 0o755)
  await writeFile(file, '')
  const port = args.includes('--port') || name !== DROPBOX ? [] : ['--port', String(await freePort())]
  return await connecting(rig, name, person, () => readFileSync(file, 'utf8'), {
    args: [...port, ...args],
    env: { BROWSER: browser },
  })
}

/** With --no-browser. */
export async function connectByHand(
  rig: Rig,
  name: string,
  person: Person,
  ...args: readonly string[]
): Promise<CliResult> {
  const env = { BROWSER: '/nonexistent' }
  return await connecting(rig, name, person, shownIn, { args: ['--no-browser', ...args], env })
}

/** On a machine that has neither a browser nor a screen. */
export async function connectWithoutBrowser(
  rig: Rig,
  name: string,
  person: Person,
  ...args: readonly string[]
): Promise<CliResult> {
  const env = { BROWSER: '', DISPLAY: '', WAYLAND_DISPLAY: '' }
  return await connecting(rig, name, person, shownIn, { args, env })
}

/** The address stands alone on a line of stderr. */
const shownIn = (stderr: string): string => /^https:\S+$/m.exec(stderr)?.[0] ?? ''

async function connecting(
  rig: Rig,
  name: string,
  person: Person,
  addressIn: (stderr: string) => string,
  { args, env }: { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv },
): Promise<CliResult> {
  let acting: Promise<unknown> = Promise.resolve()
  const act = async (child: ChildProcess): Promise<void> => {
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
    while (addressIn(stderr) === '' && !isOver()) await sleep(5)
    const address = addressIn(stderr)
    if (address === '') return
    const standIn = name === DROPBOX ? rig.dropbox : rig.drive
    const consent = async (): Promise<number> => (await fetch(standIn.consent(address))).status
    try {
      await person({ address, child, consent })
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }
  const onStart = (child: ChildProcess): void => {
    acting = act(child)
  }
  const result = await rig.cliWith({ env, writes: true, onStart }, 'accounts', 'connect', name, ...args)
  await acting
  return result
}

/** What is kept in the state folder. */
export function signInsOf(rig: Rig): SignIn[] {
  const folder = path.join(rig.state, 'sign-ins')
  try {
    return readdirSync(folder).map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as SignIn)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** `status`: its exit code, and how each account's sign-in stands. */
export async function statusOf(rig: Rig): Promise<{ code: number | null; of: (name: string) => string | undefined }> {
  const { code, stdout } = await rig.cli('status', '--json')
  const { accounts } = JSON.parse(stdout) as StatusResult
  return { code, of: (name) => accounts.find((one) => one.name === name)?.signIn?.state }
}

/** Times in the state are whole seconds; a run that ended in the second of a sign-in counts as later. */
export async function nextSecond(): Promise<void> {
  await sleep(1000 - (Date.now() % 1000))
}
