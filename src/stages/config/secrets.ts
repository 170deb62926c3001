import type { Path } from './config-error.ts'
import { configSchemas } from './schema.ts'
import { isScalarValue } from './source.ts'
import type { Source } from './source.ts'

/** Whether the schema declares what is at this path a secret; by its key, so that one in a wrong place is one too. */
export function isSecret(path: Path): boolean {
  const key = path.at(-1)
  return typeof key === 'string' && configSchemas().declared.keys.has(key)
}

interface Secret {
  readonly value: string
  /** Whether it stands in the file itself, not in the environment. */
  readonly literal: boolean
}

/** What stands under a secret's key anywhere in the file, valid or not. */
export function secretsOf(source: Source): Secret[] {
  const secrets: Secret[] = []
  const walk = (value: unknown, path: Path): void => {
    if (Array.isArray(value))
      value.forEach((item, index) => {
        walk(item, [...path, index])
      })
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key])
    } else if (isSecret(path) && isScalarValue(value) && value !== '') {
      secrets.push({ value: String(value), literal: source.spot(path)?.names.length === 0 })
    }
  }
  walk(source.value, [])
  return secrets
}
