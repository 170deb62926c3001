import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import { describeState } from '../../conformance/state.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const stateModule = path.resolve(import.meta.dirname, '../../../src/stages/state/sqlite-state.ts')

describeState('SQLite', async (t) => {
  const parent = await tempFolder(t)
  const folder = path.join(parent, 'state')
  return {
    open: () => Promise.resolve(SqliteState.open(folder)),
    openToRead: () => Promise.resolve(SqliteState.openToRead(folder)),
    opening: `import { SqliteState } from ${JSON.stringify(new URL(`file://${stateModule}`).href)}
      const state = SqliteState.open(${JSON.stringify(folder)})`,
    async contents() {
      const names = await readdir(parent, { recursive: true })
      const file = names.includes(path.join('state', 'state.sqlite'))
      return [names.toSorted(), file ? await readFile(path.join(folder, 'state.sqlite'), 'base64') : null]
    },
  }
})
