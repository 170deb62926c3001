/** Real file systems of a test's own. They need root on Linux; a test that cannot have one is skipped, and says so. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rmdir } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

/** A folder of its own to mount at, for the folder of a test is removed before what is mounted in it. */
async function mountPoint(): Promise<string> {
  return await mkdtemp(path.join(os.tmpdir(), 'dicom-backup-mount-'))
}

/** A tmpfs with these options ('size=1m') until the test has ended. Null: there can be none here, and the test is skipped. */
export async function mountTmpfs(t: TestContext, options: string): Promise<string | null> {
  const folder = await mountPoint()
  let isMounted = false
  t.after(async () => {
    if (isMounted) execFileSync('umount', ['-l', folder], { stdio: 'pipe' })
    await rmdir(folder)
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' })
    isMounted = true
    return folder
  } catch {
    t.skip('no file system can be mounted here')
    return null
  }
}

export function remount(folder: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, folder], { stdio: 'pipe' })
}

/**
 * Mounts FUSE at the first argument, answers its first request (FUSE_INIT) and no other one, and says when one is
 * waiting. It leaves it unread, so that whoever waits can be killed. Until stdin ends. The structures:
 * https://github.com/libfuse/libfuse/blob/master/include/fuse_kernel.h
 */
const HANG = `
import ctypes, os, select, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
device = os.open('/dev/fuse', os.O_RDWR)
options = 'fd=%d,rootmode=40000,user_id=0,group_id=0' % device
if libc.mount(b'hangs', sys.argv[1].encode(), b'fuse', 0, options.encode()) != 0: sys.exit(1)
unique = struct.unpack_from('Q', os.read(device, 1 << 17), 8)[0]
init = struct.pack('IIIIHHIIHH8I', 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, *[0] * 8)
os.write(device, struct.pack('IiQ', 16 + len(init), 0, unique) + init)
print('mounted', flush=True)
if device in select.select([sys.stdin, device], [], [])[0]: print('asked', flush=True)
sys.stdin.read()
libc.umount2(sys.argv[1].encode(), 2)`

export interface HangingFileSystem {
  readonly folder: string
  /** Resolves when the first call is made that will not return. */
  readonly asked: Promise<unknown>
}

/**
 * A file system that no call to returns from, as a network drive whose server is gone. Null: there can be none here, and
 * the test is skipped.
 */
export async function mountHanging(t: TestContext): Promise<HangingFileSystem | null> {
  const folder = await mountPoint()
  const child = spawn('python3', ['-c', HANG, folder], { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(child, 'close').catch(() => undefined)
  const lines = createInterface({ input: child.stdout })
  t.after(async () => {
    child.stdin.end()
    await ended
    await rmdir(folder)
  })
  const isMounted = await Promise.race([once(lines, 'line').then(() => true), ended.then(() => false)])
  if (isMounted) return { folder, asked: once(lines, 'line') }
  t.skip('no FUSE can be mounted here')
  return null
}
