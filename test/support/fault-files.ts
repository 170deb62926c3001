/**
 * Loaded before the program (`node --import`), it lets one of the program's calls to the file system fail, or kills the
 * process there, as fault-script.ts says.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { isOurs, meet, sqliteError, systemError } from './fault-script.ts'

/** Files that were opened as FileHandles and not closed. */
export const stillOpen = (): string[] => [...handles.values()]

type Real = (...args: unknown[]) => unknown

/** Puts what `make` returns in a method's place. */
function replace(owner: object, name: string, make: (real: Real, self: unknown, args: unknown[]) => unknown): void {
  const real: unknown = Reflect.get(owner, name)
  if (typeof real !== 'function') return
  Reflect.set(owner, name, function (this: unknown, ...args: unknown[]) {
    return make((...given) => Reflect.apply(real, this, given), this, args)
  })
}

/** The arguments of a write with the first half of its bytes; null where it is not known how. */
function halved(args: readonly unknown[], at: number): unknown[] | null {
  const data = args[at]
  const before = args.slice(0, at)
  if (typeof data === 'string') return [...before, data.slice(0, data.length >> 1), ...args.slice(at + 1)]
  if (!(data instanceof Uint8Array)) return null
  const [offset, length, position] = args.slice(at + 1)
  const from = typeof offset === 'number' ? offset : 0
  const whole = typeof length === 'number' ? length : data.length - from
  return [...before, data.subarray(from, from + (whole >> 1)), 0, whole >> 1, position ?? null]
}

const WRITES = new Set('write writev writeFile appendFile mkdir datasync sync rename truncate'.split(' '))
const opensForWriting = (flags: unknown): boolean =>
  typeof flags === 'number' ? (flags & (fs.constants.O_CREAT | fs.constants.O_TRUNC)) !== 0 : /[wa]/.test(String(flags))

interface Method {
  readonly name: string
  readonly file: string
  readonly real: Real
  readonly args: unknown[]
  /** Where the data stand among the arguments. */
  readonly dataAt: number
}

function meetMethod({ name, file, real, args, dataAt }: Method): unknown {
  const writes = name === 'open' ? opensForWriting(args[1] ?? 'r') : WRITES.has(name)
  const half = ['write', 'writeFile', 'appendFile'].includes(name) ? halved(args, dataAt) : null
  return meet({
    name,
    file,
    writes,
    real: () => real(...args),
    half: half === null ? null : () => real(...half),
    error: systemError(name, file),
  })
}

const PATH_CALLS =
  'open rename rm unlink rmdir mkdir readdir opendir stat lstat statfs access readFile writeFile appendFile truncate ' +
  'copyFile link utimes chmod realpath'
const HANDLE_CALLS = 'read readv write writev readFile writeFile appendFile sync datasync truncate stat utimes'
const SYNC_HANDLE_CALLS = {
  read: 'readSync',
  write: 'writeSync',
  writev: 'writevSync',
  sync: 'fsyncSync',
  datasync: 'fdatasyncSync',
  truncate: 'ftruncateSync',
  stat: 'fstatSync',
  utimes: 'futimesSync',
  close: 'closeSync',
}

const ours = (args: readonly unknown[]): string | null => args.slice(0, 2).find(isOurs) ?? null

const paths = new WeakMap<object, string>()
const handles = new Map<object, string>()
const descriptors = new Map<number, string>()

const probe = await fs.promises.open(import.meta.filename)
const prototype: unknown = Object.getPrototypeOf(probe)
await probe.close()
if (typeof prototype !== 'object' || prototype === null) throw new Error('FileHandle has no prototype')

for (const name of HANDLE_CALLS.split(' ')) {
  replace(prototype, name, (real, self, args) => {
    const file = typeof self === 'object' && self !== null ? paths.get(self) : undefined
    return file === undefined ? real(...args) : later(() => meetMethod({ name, file, real, args, dataAt: 0 }))
  })
}

for (const name of PATH_CALLS.split(' ')) {
  replace(fs.promises, name, (real, _self, args) => {
    const file = ours(args)
    if (file === null) return real(...args)
    const call = later(() => meetMethod({ name, file, real, args, dataAt: 1 }))
    return name === 'open' ? call.then((handle) => noted(handle, file)) : call
  })
  replace(fs, `${name}Sync`, (real, _self, args) => {
    const descriptor = typeof args[0] === 'number' ? descriptors.get(args[0]) : undefined
    const file = descriptor ?? ours(args)
    if (file === null) return real(...args)
    const value = meetMethod({ name, file, real, args, dataAt: 1 })
    if (name === 'open') descriptors.set(Number(value), file)
    return value
  })
}

for (const [name, sync] of Object.entries(SYNC_HANDLE_CALLS)) {
  replace(fs, sync, (real, _self, args) => {
    const descriptor = Number(args[0])
    const file = descriptors.get(descriptor)
    if (file === undefined) return real(...args)
    if (name === 'close') descriptors.delete(descriptor)
    return meetMethod({ name, file, real, args, dataAt: 1 })
  })
}

/** As a promise, what is thrown too. */
async function later(call: () => unknown): Promise<unknown> {
  return await call()
}

/** `close` is a handle's own, not its prototype's. */
function noted(handle: unknown, file: string): unknown {
  if (typeof handle !== 'object' || handle === null) return handle
  paths.set(handle, file)
  handles.set(handle, file)
  replace(handle, 'close', (real, _self, args) => {
    handles.delete(handle)
    return later(() => meetMethod({ name: 'close', file, real, args, dataAt: 0 }))
  })
  return handle
}

const SQLITE_CALLS = [
  { owner: DatabaseSync.prototype, name: 'exec', writes: true },
  { owner: StatementSync.prototype, name: 'run', writes: true },
  { owner: StatementSync.prototype, name: 'get', writes: false },
  { owner: StatementSync.prototype, name: 'all', writes: false },
]
for (const { owner, name, writes } of SQLITE_CALLS) {
  replace(owner, name, (real, _self, args) =>
    meet({ name, file: 'SQLite', writes, real: () => real(...args), half: null, error: sqliteError }),
  )
}

syncBuiltinESMExports()
