/**
 * Stand-ins for Windows programs that Wine lacks or only pretends to have: an .exe that is called like them, and hands each
 * call to the check. Node.js makes it: its own Windows program with a script in it (single executable application).
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { unpackPackage, type Machine } from './machine.ts'

export interface Call {
  /** 'icacls' */
  readonly name: string
  readonly words: readonly string[]
  readonly input: Buffer
}

export interface Answer {
  readonly code: number
  readonly stdout?: Buffer | string
  readonly stderr?: Buffer | string
}

export interface Programs {
  /** To be in the environment of the program that starts them. */
  readonly env: Readonly<Record<string, string>>
  /** Puts them, by their names without `.exe`, into a folder of Windows, a path of this machine. */
  place(folder: string, names: readonly string[]): void
  close(): void
}

/** `answer` hears each call of one of them. */
export async function programs(machine: Machine, answer: (call: Call) => Answer | Promise<Answer>): Promise<Programs> {
  const program = await standIn(machine)
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void buffer(socket).then(async (bytes) => {
      const end = bytes.indexOf('\n')
      const call = JSON.parse(bytes.subarray(0, end).toString()) as Omit<Call, 'input'>
      const { code, stdout = '', stderr = '' } = await answer({ ...call, input: bytes.subarray(end + 1) })
      const [out, err] = [stdout, stderr].map((text) => Buffer.from(text).toString('base64'))
      socket.end(JSON.stringify({ code, stdout: out, stderr: err }))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    env: { STAND_IN_PORT: String((server.address() as AddressInfo).port) },
    place(folder, names) {
      mkdirSync(folder, { recursive: true })
      for (const name of names) {
        const file = path.join(folder, `${name}.exe`)
        rmSync(file, { force: true })
        linkSync(program, file)
      }
    },
    close: () => server.close(),
  }
}

/** The release of the package that puts a script into a program. https://nodejs.org/api/single-executable-applications.html */
const POSTJECT = 'postject@1.0.0-alpha.6'
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** The path of the .exe, made once for each state of its script. */
async function standIn({ work, node }: Machine): Promise<string> {
  const script = path.join(import.meta.dirname, 'program.cjs')
  const hash = createHash('sha256').update(readFileSync(script)).update(node).digest('hex').slice(0, 12)
  const program = path.join(work, `stand-in-${hash}.exe`)
  if (existsSync(program)) return program
  const folder = unpackPackage(work, POSTJECT)
  const [config, blob, begun] = ['sea.json', 'blob', 'program'].map((name) => path.join(folder, name))
  writeFileSync(config!, JSON.stringify({ main: script, output: blob, disableExperimentalSEAWarning: true }))
  execFileSync(process.execPath, ['--experimental-sea-config', config!], { stdio: 'ignore' })
  copyFileSync(node, begun!)
  const { inject } = (await import(path.join(folder, 'package/dist/api.js'))) as {
    inject: (file: string, name: string, bytes: Buffer, options: { sentinelFuse: string }) => Promise<void>
  }
  await inject(begun!, 'NODE_SEA_BLOB', readFileSync(blob!), { sentinelFuse: FUSE })
  renameSync(begun!, program)
  rmSync(folder, { recursive: true })
  return program
}
