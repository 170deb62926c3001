import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export interface OtherBuild {
  readonly name: string
  /** The path of its main module. */
  readonly program: string
  remove(): Promise<void>
}

/**
 * The program of another checkout, built with that checkout's own compiler and packages. Nothing is written there: the
 * build lies in a temporary folder beside links to its packages, so that its compile cache is its own as well.
 */
export async function buildOther(checkout: string): Promise<OtherBuild> {
  const source = path.resolve(checkout)
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-bench-build-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await cp(path.join(source, 'package.json'), path.join(folder, 'package.json'))
    const packages = path.join(source, 'node_modules')
    await mkdir(path.join(folder, 'node_modules'))
    for (const name of await readdir(packages)) {
      if (!name.startsWith('.')) await symlink(path.join(packages, name), path.join(folder, 'node_modules', name))
    }
    const compiler = path.join(packages, 'typescript/bin/tsc')
    const options = ['-p', path.join(source, 'tsconfig.build.json'), '--noCheck', '--declaration', 'false']
    await promisify(execFile)(process.execPath, [compiler, ...options, '--outDir', path.join(folder, 'dist')])
    return { name: path.basename(source), program: path.join(folder, 'dist/cli/main.js'), remove }
  } catch (error) {
    await remove()
    throw error
  }
}
