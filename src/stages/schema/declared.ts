/**
 * Which settings are secrets. A schema declares it where the setting is described, and whatever shows, logs or redacts
 * reads the declaration here.
 */
import { z } from 'zod'

/** What a file holds that the configuration names: its secret, or what is wrong with it. */
export type SecretIn = (text: string) => string | { readonly problem: string }

interface Declaration {
  /** Null: the setting is the secret itself. Else it names a file, in which this finds the secret. */
  readonly inFile: SecretIn | null
}

const declared = z.registry<Declaration>()

/** The same schema, of a setting whose value is never to be shown. */
export function asSecret<T extends z.ZodType>(schema: T): T {
  declared.add(schema, { inFile: null })
  return schema
}

/** The same schema, of a setting that names a file which holds a secret. */
export function asSecretFile<T extends z.ZodType>(schema: T, inFile: SecretIn): T {
  declared.add(schema, { inFile })
  return schema
}

/** The settings of a schema that were declared so, by key, wherever in it they are. */
export interface DeclaredSecrets {
  readonly keys: ReadonlySet<string>
  readonly files: ReadonlyMap<string, SecretIn>
}

export function declaredIn(schema: z.core.$ZodType): DeclaredSecrets {
  const keys = new Set<string>()
  const files = new Map<string, SecretIn>()
  const walk = (inner: z.core.$ZodType, key: string): void => {
    const declaration = declared.get(inner as z.ZodType)
    if (declaration?.inFile === null) keys.add(key)
    else if (declaration !== undefined) files.set(key, declaration.inFile)
    for (const [name, part] of partsOf(inner)) walk(part, name ?? key)
  }
  walk(schema, '')
  return { keys, files }
}

/** What a schema is made of: the settings of a section by name, and what wraps or lists others without one. */
function partsOf(schema: z.core.$ZodType): (readonly [string | null, z.core.$ZodType])[] {
  if (schema instanceof z.ZodObject) return Object.entries(schema.shape)
  if (schema instanceof z.ZodArray) return [[null, schema.element]]
  if (schema instanceof z.ZodUnion) return schema.options.map((option) => [null, option])
  if (schema instanceof z.ZodPipe) return [schema.in, schema.out].map((part) => [null, part])
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return [[null, schema.unwrap()]]
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return [[null, schema.unwrap()]]
  return []
}
