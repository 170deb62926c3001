import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { lacking, needProgram } from './needed-programs.ts'

const run = promisify(execFile)
const options = { maxBuffer: 256 << 20 }

const ALL: Readonly<Record<string, { readonly program: string; readonly words: readonly string[] }>> = {
  unzip: { program: 'unzip', words: ['-tqq'] },
  '7z': { program: '7z', words: ['t', '-bd'] },
  bsdtar: { program: 'bsdtar', words: ['-tf'] },
  python: { program: 'python3', words: ['-m', 'zipfile', '-t'] },
}

/** Programs that hospitals open archives with, and how each is asked whether one is sound. On Windows those that are there. */
export const READERS: Readonly<Record<string, (archive: string) => Promise<unknown>>> = Object.fromEntries(
  Object.entries(ALL)
    .filter(([, { program }]) => lacking(program) === false)
    .map(([name, { program, words }]) => [
      name,
      (archive: string) => run(needProgram(program), [...words, archive], options),
    ]),
)
