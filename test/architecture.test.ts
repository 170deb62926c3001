import assert from 'node:assert/strict'
import { builtinModules } from 'node:module'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { kinds } from '../src/stages/destinations/kinds.ts'

const root = path.resolve(import.meta.dirname, '..')
const floors = ['pipeline', 'stages', 'cli']
/** From the lowest up: a stage knows those before it. */
const STAGES = [
  ...['text', 'windows', 'schema', 'http', 'destinations', 'config', 'log', 'dicom', 'contract', 'database', 'dump'],
  ...['plan', 'zip', 'archive', 'accounts', 'state', 'find', 'restore', 'retention', 'verify', 'schedule', 'backup'],
  ...['status', 'doctor', 'stand-ins', 'demo'],
]
/** The engine's rooms, likewise. What is in none of them, `deliver.ts` and `make-parts.ts`, joins them. */
const ROOMS = ['contract', 'flow', 'threads', 'files', 'digests', 'journal', 'parts', 'window', 'send', '']
/** Named, called, for its effect alone, and the program of a thread, whose ending is left out. */
const IMPORT =
  /^(?:(?:import|export)\b[^'\n]*|\} )from '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'|\bprogramBeside\([^']*'([^']+)'\)/gm

interface Import {
  readonly file: string
  readonly target: string
}

const sources = globSync('src/**/*.ts', { cwd: root })
const imports: Import[] = sources.flatMap((file) =>
  [...readFileSync(path.join(root, file), 'utf8').matchAll(IMPORT)].map(([, named, called, alone, program]) => ({
    file,
    target: named ?? called ?? alone ?? (program === undefined ? '' : `${program}.ts`),
  })),
)
/** Those within src, by the file that is meant. */
const within: Import[] = imports
  .filter(({ target }) => target.startsWith('.'))
  .map(({ file, target }) => ({ file, target: path.join(path.dirname(file), target) }))
const stageOf = (file: string): string => file.split(path.sep)[2] ?? ''
const floorOf = (file: string): number => floors.indexOf(file.split(path.sep)[1] ?? '')

describe('the architecture', () => {
  test('every source lies on one of the three floors', () => {
    assert.ok(sources.length > 50)
    assert.deepEqual(
      sources.filter((file) => floorOf(file) < 0),
      [],
    )
  })

  test('imports go down only: cli → stages → pipeline', () => {
    assert.deepEqual(
      within.filter(({ file, target }) => floorOf(target) > floorOf(file)),
      [],
    )
  })

  test('every import is one of a file that is there', () => {
    assert.deepEqual(
      within.filter(({ target }) => !sources.includes(target)),
      [],
    )
  })

  test('a stage knows the stages before it only, in the order that docs/design.md draws', () => {
    const stages = within.filter(({ file, target }) => floorOf(file) === 1 && floorOf(target) === 1)
    assert.deepEqual(
      [...new Set(stages.map(({ file }) => stageOf(file)))].filter((one) => !STAGES.includes(one)),
      [],
      'every stage has its place in the order',
    )
    assert.deepEqual(
      stages.filter(({ file, target }) => STAGES.indexOf(stageOf(target)) > STAGES.indexOf(stageOf(file))),
      [],
    )
    const map = readFileSync(path.join(root, 'docs/design.md'), 'utf8')
    const drawn = [...map.matchAll(/^\d+\. `([a-z-]+)`/gm)].map(([, name]) => name)
    assert.deepEqual(drawn, STAGES)
  })

  test('a room of the engine knows the rooms before it only', () => {
    const roomOf = (file: string): number => ROOMS.indexOf(path.dirname(file).split(path.sep).slice(2).join('/'))
    const engine = within.filter(({ file }) => floorOf(file) === 0)
    assert.deepEqual(
      engine.filter(({ file }) => roomOf(file) === -1),
      [],
    )
    assert.deepEqual(
      engine.filter(({ file, target }) => roomOf(target) > roomOf(file)),
      [],
    )
    const map = readFileSync(path.join(root, 'docs/design.md'), 'utf8')
    const drawn = [...map.matchAll(/^- `pipeline\/([a-z]+)`/gm)].map(([, name]) => name)
    assert.deepEqual([...drawn, ''], ROOMS)
  })

  test('every source that the docs name is there', () => {
    const docs = globSync('{docs/*,README,CONTRIBUTING}.md', { cwd: root })
    const all = [...sources, ...globSync('test/**/*.ts', { cwd: root })].map((file) => `/${file.replaceAll('\\', '/')}`)
    const named = docs.flatMap((doc) =>
      [...readFileSync(path.join(root, doc), 'utf8').matchAll(/`([\w./-]+\.ts)`/g)].map(([, name = '']) => ({
        doc,
        name,
      })),
    )
    assert.ok(named.length > 30)
    assert.deepEqual(
      named.filter(({ name }) => !all.some((file) => file.endsWith(`/${name}`))),
      [],
    )
  })

  test('no file imports itself by way of others', () => {
    const next = new Map(sources.map((file) => [file, new Set<string>()]))
    for (const { file, target } of within) next.get(file)?.add(target)
    // What imports nothing that is left is in no circle.
    for (;;) {
      const done = [...next].filter(([, targets]) => targets.size === 0).map(([file]) => file)
      if (done.length === 0) break
      for (const file of done) next.delete(file)
      for (const targets of next.values()) for (const file of done) targets.delete(file)
    }
    assert.deepEqual([...next.keys()], [])
  })

  test('the pipeline knows no vendor, no SQL and no DICOM', () => {
    const allowed = ['p-limit', 'hash-wasm']
    const packages = imports.filter(
      ({ file, target }) => floorOf(file) === 0 && !target.startsWith('.') && !target.startsWith('node:'),
    )
    assert.deepEqual(
      packages.filter(({ target }) => !allowed.includes(target)),
      [],
    )
  })

  test('nor does it name one, but where it says whose algorithm it is', () => {
    const found = sources
      .filter((file) => floorOf(file) === 0)
      .flatMap((file) =>
        readFileSync(path.join(root, file), 'utf8')
          .split('\n')
          .filter((line) =>
            /dropbox|google|mysql|mariadb|\bSQL\b|dicom(?!-backup)/i.test(line.replace(/https:\S+/, '')),
          )
          .map((line) => `${file}: ${line.trim()}`),
      )
    assert.deepEqual(found, [])
  })

  test('what a kind of destination is stands in its folder, and the list is all that names it', () => {
    const home = path.normalize('src/stages/destinations/')
    const folders = sources.filter((file) => file.startsWith(home)).map((file) => file.slice(home.length))
    const inFolders = folders.flatMap((file) =>
      file.includes(path.sep) ? [file.slice(0, file.indexOf(path.sep))] : [],
    )
    assert.deepEqual(
      [...new Set(inFolders)].sort(),
      kinds()
        .map(({ type }) => type)
        .sort(),
      'a folder is a line of the list',
    )
    // The stand-ins are the services themselves, and the demo configures them.
    const elsewhere = sources.filter(
      (file) => stageOf(file) !== 'stand-ins' && file !== path.normalize('src/cli/commands/demo.ts'),
    )
    for (const { type } of kinds()) {
      const own = path.join(home, type, path.sep)
      const outside = elsewhere.filter((file) => !file.startsWith(own))
      const named = outside.filter((file) =>
        new RegExp(`(['"\`])${type}\\1|^ *${type}:`, 'm').test(readFileSync(path.join(root, file), 'utf8')),
      )
      assert.deepEqual(named, [], `${type}: ask the kind, by kindOf or traitsOf`)
      const known = within.filter(({ file, target }) => target.startsWith(own) && !file.startsWith(own))
      assert.deepEqual(known, [{ file: path.join(home, 'kinds.ts'), target: path.join(own, 'kind.ts') }])
    }
  })

  test('the demo alone knows the services’ stand-ins', () => {
    const known = within.filter(({ file, target }) => stageOf(target) === 'stand-ins' && stageOf(file) !== 'stand-ins')
    assert.deepEqual([...new Set(known.map(({ file }) => file))], [path.normalize('src/cli/commands/demo.ts')])
  })

  test('every package that is imported is named in package.json, and every one named there is used', () => {
    const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const packageOf = (target: string): string =>
      target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/')
    const outside = imports.filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'))
    for (const { file, target } of outside) {
      assert.ok(!builtinModules.includes(target), `${file}: write node:${target}`)
      assert.ok(packageOf(target) in dependencies, `${file} imports ${target}`)
    }
    const used = new Set(outside.map(({ target }) => packageOf(target)))
    assert.deepEqual(
      Object.keys(dependencies).filter((name) => !used.has(name)),
      [],
    )
  })

  test('nothing reaches stdout or stderr but by one way, which takes out secrets and control characters', () => {
    // main.ts tells an older Node, before anything else is loaded; the stand-ins are a program of their own.
    const ways = ['src/cli/streams.ts', 'src/cli/main.ts', 'src/stages/stand-ins/serve.ts'].map((file) =>
      path.normalize(file),
    )
    const around = sources.filter(
      (file) =>
        !ways.includes(file) &&
        /\bprocess\.(stdout|stderr)\b|\bconsole\.(log|error|warn|info|debug|table)\(|writeFileSync\([12],/.test(
          readFileSync(path.join(root, file), 'utf8'),
        ),
    )
    assert.deepEqual(around, [], 'write by src/cli/streams.ts')
  })

  test('versions are exact', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(path.join(root, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      assert.match(version, /^\d/, name)
  })
})
