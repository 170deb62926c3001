import type { z } from 'zod'
import { anyDestination } from '../destinations/settings.ts'
import { issueFaults } from './issues.ts'
import type { Fault, Path } from './config-error.ts'
import { configSchemas } from './schema.ts'
import type { WrittenConfig } from './schema.ts'
import { valueAt } from './source.ts'
import type { Source } from './source.ts'

type Issue = z.core.$ZodIssue

/** The file's values as the schema sees them; `config` is null when there are faults. */
export function validate(source: Source): { readonly config: WrittenConfig | null; readonly faults: readonly Fault[] } {
  const value = source.value ?? {}
  const schemas = configSchemas()
  const schema = valueAt(value, ['state', 'driver']) === 'mysql' ? schemas.viewer : schemas.config
  let result = schema.safeParse(value)
  if (!result.success && retype(result.error.issues, source)) result = schema.safeParse(value)
  if (result.success) return { config: result.data, faults: [] }
  const { issues } = result.error
  return {
    config: null,
    faults: issueFaults([...issues, ...issues.flatMap((issue) => behindType(issue, value))], source),
  }
}

/** Gives `port: ${DB_PORT}` the type it would have had as plain YAML. Says whether anything changed. */
function retype(issues: readonly Issue[], source: Source): boolean {
  let changed = false
  for (const issue of issues) {
    const path = issue.path as Path
    const spot = source.spot(path)
    const text = valueAt(source.value, path)
    if (issue.code !== 'invalid_type' || spot?.plain !== true || spot.names.length === 0 || typeof text !== 'string')
      continue
    const typed = issue.expected === 'boolean' ? truth(text) : number(text)
    if (typed === null) continue
    const around = valueAt(source.value, path.slice(0, -1)) as Record<string | number, unknown>
    around[path.at(-1) ?? ''] = typed
    changed = true
  }
  return changed
}

function truth(text: string): boolean | null {
  return text === 'true' || text === 'false' ? text === 'true' : null
}

function number(text: string): number | null {
  return /^-?\d+$/.test(text) ? Number(text) : null
}

/** The schema stops at a destination of unknown type; what all types share is checked nevertheless. */
function behindType(issue: Issue, value: unknown): Issue[] {
  if (issue.code !== 'invalid_union' || issue.path.at(-1) !== 'type') return []
  const around = issue.path.slice(0, -1)
  const inner = anyDestination.safeParse(valueAt(value, around as Path)).error?.issues ?? []
  return inner.map((more) => ({ ...more, path: [...around, ...more.path] }))
}
