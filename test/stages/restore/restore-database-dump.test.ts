import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dumpStatements } from '../../../src/stages/restore/restore-database-dump.ts'

const SANDBOX = '/*M!999999\\- enable the sandbox mode */ \n'
const BODY = '-- MariaDB dump\nUSE `viewer`;\nCREATE TABLE t (a INT);\n'
const TRAILER = '-- Dump completed on 2026-11-23 12:00:00\n'

async function through(text: string, name: string | null, cut: number): Promise<{ out: string; complete: boolean }> {
  const bytes = Buffer.from(text)
  const content = (async function* () {
    yield await Promise.resolve(bytes.subarray(0, cut))
    yield bytes.subarray(cut)
  })()
  const statements = dumpStatements(content, name)
  const pieces: Uint8Array[] = []
  for await (const piece of statements) pieces.push(Buffer.from(piece))
  return { out: Buffer.concat(pieces).toString(), complete: statements.complete }
}

describe("a dump's statements", () => {
  test('leave out the line that other client programs choke on, wherever the dump is cut', async () => {
    for (const line of [SANDBOX, '/*!999999\\- enable the sandbox mode */\n']) {
      const whole = line + BODY + TRAILER
      for (let cut = 0; cut <= whole.length; cut += 1) {
        assert.deepEqual(await through(whole, 'viewer', cut), { out: BODY + TRAILER, complete: true }, `cut at ${cut}`)
      }
    }
  })

  test('are all there when there is no such line, however short the dump', async () => {
    for (const text of ['', 'x', BODY, `-- x\n${SANDBOX}`]) {
      assert.equal((await through(text, 'viewer', 0)).out, text)
      assert.equal((await through(text, 'viewer', text.length)).out, text)
    }
  })

  test('end before one that goes to another database, wherever the dump is cut', async () => {
    const foreign = `CREATE TABLE t (a INT);\nUSE \`other\`;\nDROP TABLE t;\n${'-- filler\n'.repeat(100)}`
    for (let cut = 0; cut <= 60; cut += 1) {
      await assert.rejects(through(foreign, 'viewer', cut), { code: 'E_DUMP', message: /another database/ }, `${cut}`)
      assert.equal((await through(foreign, 'other', cut)).out, foreign)
      assert.equal((await through(foreign, null, cut)).out, foreign)
    }
  })

  test('may have what only looks like one', async () => {
    const text =
      "-- \nINSERT INTO t VALUES ('\\nUSE `other`;');\n USE `other`;\nuse `other`;\nUSE of contrast\nUSE `a``b`;\n"
    assert.equal((await through(text, 'a`b', 20)).out, text)
  })

  test('tell whether the last line was there', async () => {
    assert.equal((await through(BODY, 'viewer', 9)).complete, false)
    assert.equal((await through(BODY + TRAILER, 'viewer', 9)).complete, true)
  })
})
