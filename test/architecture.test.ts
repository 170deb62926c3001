import assert from 'node:assert/strict'
import { builtinModules } from 'node:module'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'

const root = path.resolve(import.meta.dirname, '..')
const floors = ['pipeline', 'stages', 'cli']
const IMPORT = /^(?:(?:import|export)\b[^'\n]*|\} )from '([^']+)'|\bimport\('([^']+)'\)/gm

interface Import {
  readonly file: string
  readonly target: string
}

const sources = globSync('src/**/*.ts', { cwd: root })
const imports: Import[] = sources.flatMap((file) =>
  [...readFileSync(path.join(root, file), 'utf8').matchAll(IMPORT)].map(([, named, called]) => ({
    file,
    target: named ?? called ?? '',
  })),
)
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
    const up = imports.filter(({ file, target }) => {
      if (!target.startsWith('.')) return false
      return floorOf(path.join(path.dirname(file), target)) > floorOf(file)
    })
    assert.deepEqual(up, [])
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
