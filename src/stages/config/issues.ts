import type { z } from 'zod'
import { SENTENCE } from '../schema/parts.ts'
import { redact } from '../text/redact.ts'
import type { Fault, Path } from './config-error.ts'
import { nearest } from './nearest.ts'
import { isSecret } from './secrets.ts'
import { isScalarValue, valueAt } from './source.ts'
import type { Source } from './source.ts'

/** A schema's issues as faults: what was found, and what would be right. */
export function issueFaults(issues: readonly z.core.$ZodIssue[], source: Source): Fault[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    if (issue.code === 'unrecognized_keys') {
      const known = issue.message.split(', ')
      return issue.keys.map((key) => unknownKey(path, key, known, source))
    }
    if (issue.code === 'custom' && issue.params?.['sentence'] === SENTENCE.sentence)
      return [source.fault(path, issue.message)]
    if (source.spot(path) === null && path.length > 0) {
      return [source.fault(path, `is missing; expected ${issue.message}`)]
    }
    // What stands in the place of a whole section may be a secret of any kind.
    const section = issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'array')
    return [source.fault(path, `found ${found(path, source, section || isSecret(path))}; expected ${issue.message}`)]
  })
}

function unknownKey(path: Path, key: string, known: readonly string[], source: Source): Fault {
  const meant = nearest(key, known)
  const right = meant === null ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
  return source.keyFault([...path, key], `is not a known key; ${right}`)
}

/** In words. The content of a map or list and the value of an environment variable are never shown. */
function found(path: Path, source: Source, hidden: boolean): string {
  const value = valueAt(source.value, path)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value === null) return isSecret(path) ? 'nothing (all after a # is comment, unless in quotes)' : 'nothing'
  if (!isScalarValue(value)) return 'a map'
  const kind = typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'value'
  const names = source.spot(path)?.names.map((name) => `\${${name}}`) ?? []
  if (names.length > 0) return `the ${value === '' ? 'empty ' : ''}${kind} that ${names.join(' and ')} gives`
  if (value === '') return 'an empty text'
  if (hidden) return `a ${kind}`
  const shown = redact(typeof value === 'string' ? JSON.stringify(value) : String(value))
  return `the ${kind} ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}`
}
