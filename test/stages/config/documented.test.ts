import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { configSchemas } from '../../../src/stages/config/schema.ts'
import { load, testFolder, write } from './configured.ts'

const docs = readFileSync(path.resolve(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly oneOf?: readonly Node[]
}

/** 'destinations[].chunkSize' */
function keysOf(node: Node, prefix = ''): string[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, inner]) => {
    const name = prefix === '' ? key : `${prefix}.${key}`
    return [name, ...keysOf(inner, name)]
  })
  const items = node.items === undefined ? [] : keysOf(node.items, `${prefix}[]`)
  return [...new Set([...own, ...items, ...(node.oneOf ?? []).flatMap((option) => keysOf(option, prefix))])]
}

const keys = keysOf(z.toJSONSchema(configSchemas().config, { io: 'input', unrepresentable: 'any' }) as Node)

test('docs/configuration.md has a row for every key of the schema, and for no other', () => {
  assert.ok(keys.includes('destinations[].oauth.clientSecret') && keys.includes('database.port'))
  const leaves = keys.filter((key) => !keys.some((other) => other.startsWith(`${key}.`) || other.startsWith(`${key}[`)))
  const rows = [...docs.matchAll(/^\| `([^`]+)` /gm)].map(([, key]) => key ?? '')
  assert.deepEqual(new Set(rows), new Set(leaves))
})

test('the example in docs/configuration.md loads', () => {
  const folder = testFolder()
  const example = /```yaml\n(database:[\s\S]*?)```/.exec(docs)?.[1]
  assert.ok(example !== undefined)
  write(folder, 'service-account.json', '{ "type": "service_account", "client_email": "a@b", "private_key": "k" }')
  const env: NodeJS.ProcessEnv = {}
  for (const [, name = ''] of example.matchAll(/\$\{(\w+)\}/g)) env[name] = 'value'
  const config = load(folder, example, env)
  assert.deepEqual(
    config.destinations.map(({ type }) => type),
    ['dropbox', 'google-drive', 'local'],
  )
})
