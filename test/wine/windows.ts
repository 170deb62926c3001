/** Programs under Wine, with the paths and the text of both sides. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { Machine } from './machine.ts'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
/** As long as a call may take before it counts as hanging, on the slowest machine. ms. */
const LIMIT_MS = 600_000

export interface End {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that is running. */
export interface Running {
  readonly process: ChildProcess
  readonly end: Promise<End>
  /** What it has written to stdout so far. */
  readonly said: () => string
}

/** A folder below C:\ in which one check does its work. */
export class Windows {
  readonly folder: string
  readonly machine: Machine
  /** Of the programs that are started, beside those of the machine. */
  env: NodeJS.ProcessEnv = {}
  /** What Node.js loads before the program. */
  preload: readonly string[] = []
  readonly #ends: (() => void)[] = []
  #calls = 0

  private constructor(machine: Machine, folder: string) {
    this.machine = machine
    this.folder = folder
  }

  /** `name`: what the folder's name begins with. */
  static async in(machine: Machine, name = 'check-'): Promise<Windows> {
    const windows = new Windows(machine, await mkdtemp(path.join(machine.drive, name)))
    await mkdir(windows.#outputs)
    return windows
  }

  /** Of this machine, for a path below the check's folder. */
  path(...parts: string[]): string {
    return path.join(this.folder, ...parts)
  }

  /** The same for Windows. */
  windowsPath(...parts: string[]): string {
    return path.win32.join('C:\\', path.basename(this.folder), ...parts)
  }

  /** Writes files below the check's folder. */
  async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(this.path(name)), { recursive: true })
      await writeFile(this.path(name), content)
    }
  }

  /** Writes `dicom-backup.yaml`: of the folder `images` into the folder `nas`, both of which are made. */
  async configure(more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    for (const folder of ['images', 'nas']) await mkdir(this.path(folder), { recursive: true })
    const config = {
      dicom: { root: this.windowsPath('images') },
      destinations: [{ name: 'nas', type: 'local', folder: this.windowsPath('nas') }],
      schedule: { enabled: true, every: '6h' },
      ...more,
    }
    await writeFile(this.path('dicom-backup.yaml'), stringify(config))
  }

  /** Calls the built program in the check's folder. */
  async cli(...words: string[]): Promise<End> {
    return await this.start([...this.preload, built('cli/main.js'), ...words]).end
  }

  /** Calls it with --json, and gives its result. */
  async json(...words: string[]): Promise<{ readonly code: number | null; readonly result: unknown }> {
    const { code, stdout, stderr } = await this.cli(...words, '--json')
    try {
      return { code, result: JSON.parse(stdout) as unknown }
    } catch {
      throw new Error(`exit ${code}, no JSON: ${stdout}${stderr}`)
    }
  }

  /** Starts Node.js with these words in the check's folder. */
  start(words: readonly string[], cwd = this.folder): Running {
    return this.program([this.machine.node, ...words], cwd)
  }

  /** Starts a Windows program. Its output goes to files: Wine's Node.js cannot write to a pipe of this machine. */
  program(words: readonly string[], cwd = this.folder): Running {
    return this.#started('wine', words, cwd)
  }

  /** Starts Node.js on a console; `interrupt` is Ctrl-C on its keyboard. */
  onConsole(words: readonly string[]): Running & { interrupt(): void } {
    // The terminal of util-linux' script becomes the console; the output goes to files all the same.
    const line = ['wine', this.machine.node, ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
    const running = this.#started('script', ['-qec', `exec ${line} >&3 2>&4`, '/dev/null'], this.folder)
    return { ...running, interrupt: () => running.process.stdin?.write('\x03') }
  }

  #started(program: string, words: readonly string[], cwd: string): Running {
    this.#calls += 1
    const [out, err] = ['out', 'err'].map((kind) => path.join(this.#outputs, `${this.#calls}.${kind}`)) as [
      string,
      string,
    ]
    const [stdout, stderr] = [openSync(out, 'w'), openSync(err, 'w')]
    const onConsole = program === 'script'
    const child = spawn(program, words, {
      cwd,
      env: { ...this.machine.env, ...NO_COLOURS, ...this.env },
      stdio: onConsole ? ['pipe', 'ignore', stderr, stdout, stderr] : ['ignore', stdout, stderr],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    })
    for (const file of [stdout, stderr]) closeSync(file)
    const end = new Promise<End>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        resolve({ code, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') })
      })
    })
    return { process: child, end, said: () => readFileSync(out, 'utf8') }
  }

  /** Calls it when the check is over. */
  atEnd(call: () => void): void {
    this.#ends.push(call)
  }

  async remove(): Promise<void> {
    for (const call of this.#ends) call()
    for (const folder of [this.folder, this.#outputs]) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }

  get #outputs(): string {
    return `${this.folder}-outputs`
  }
}

const NO_COLOURS = { NO_COLOR: '1' }

/** For Windows: a file of the build. Z: is this machine's root folder. */
export const built = (name: string): string => `Z:${path.join(REPOSITORY, 'dist', name)}`

/** For Windows: a file of the repository. */
export const inRepository = (name: string): string => `Z:${path.join(REPOSITORY, name)}`

export { REPOSITORY }
