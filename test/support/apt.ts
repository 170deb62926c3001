import { spawnSync } from 'node:child_process'

/** Runs apt-get, waiting for another one to finish; what it prints is shown only when it fails. */
export function aptGet(...words: string[]): boolean {
  const result = spawnSync('apt-get', ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300', ...words], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
  })
  if (result.status !== 0) process.stderr.write(result.stdout + result.stderr)
  return result.status === 0
}
