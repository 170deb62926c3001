import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { LeftOut, PlannedFile } from '../../../src/stages/plan/types.ts'
import { walkArchive } from '../../../src/stages/plan/walk.ts'
import type { WalkItem, WalkOptions } from '../../../src/stages/plan/walk.ts'

/** A new folder that is removed after the test. */
export function newFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'walk-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** A new folder with these files in it, each as long as its path. */
export function treeOf(t: TestContext, files: readonly string[]): string {
  const root = newFolder(t)
  for (const file of files) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
    writeFileSync(path.join(root, file), 'x'.repeat(file.length))
  }
  return root
}

export interface Grid {
  readonly root: string
  readonly folders: readonly string[]
  readonly files: readonly string[]
}

/** A new folder with so many folders of so many empty files, in the order of a walk. */
export function gridOf(t: TestContext, folders: number, each: number): Grid {
  const root = newFolder(t)
  const padded = (number: number): string => String(number).padStart(5, '0')
  const grid = { root, folders: [] as string[], files: [] as string[] }
  const one = path.join(newFolder(t), 'one')
  writeFileSync(one, '')
  for (let number = 0; number < folders; number++) {
    const folder = `f${padded(number)}`
    grid.folders.push(folder)
    mkdirSync(path.join(root, folder))
    for (let file = 0; file < each; file++) grid.files.push(`${folder}/${padded(file)}`)
  }
  // Last first, so that the order in which they were made is not the one to find. A link is made faster than a file.
  for (const file of grid.files.toReversed()) linkSync(one, path.join(root, file))
  return grid
}

export const everything: WalkOptions = { include: ['**/*'], exclude: [], skipFolders: [] }
export const never = new AbortController().signal

export interface Walked {
  readonly files: PlannedFile[]
  readonly leftOut: LeftOut[]
}

export async function collect(items: AsyncIterable<WalkItem>): Promise<Walked> {
  const walked: Walked = { files: [], leftOut: [] }
  for await (const item of items) {
    if ('leftOut' in item) walked.leftOut.push(item.leftOut)
    else walked.files.push(item)
  }
  return walked
}

export async function walkAll(root: string, options: Partial<WalkOptions> = {}): Promise<Walked> {
  return collect(walkArchive(root, { ...everything, ...options }, never))
}

/** The paths of the files that a walk finds, sorted. */
export async function pathsOf(root: string, options: Partial<WalkOptions> = {}): Promise<string[]> {
  return (await walkAll(root, options)).files.map((file) => file.path).sort()
}
