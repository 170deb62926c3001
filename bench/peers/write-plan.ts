/** `node write-plan.ts ROOT FILE`: the plan of an archive folder, as a run makes it. */
import { writePlan } from '../../src/stages/plan/plan-file.ts'

const [root = '', file = ''] = process.argv.slice(2)
const options = { include: ['**'], exclude: [], skipFolders: [] }
await writePlan(file, root, options, new AbortController().signal)
