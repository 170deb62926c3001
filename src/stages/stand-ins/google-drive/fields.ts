/**
 * The `fields` parameter: which parts of an answer are wanted.
 * https://developers.google.com/workspace/drive/api/guides/fields-parameter
 */

import { invalid } from './errors.ts'

/** Null: everything below is wanted. */
export type Mask = ReadonlyMap<string, Mask> | null

type Tree = Map<string, Tree | null>

/** Reads `nextPageToken,files(id,name),storageQuota/limit,*`. */
function parseFields(fields: string): Mask {
  let at = 0
  const list = (): Tree => {
    const tree: Tree = new Map()
    do selector(tree)
    while (fields[at] === ',' && ++at)
    return tree
  }
  const selector = (into: Tree): void => {
    const name = /^\s*([A-Za-z][A-Za-z0-9]*|\*)\s*/.exec(fields.slice(at))
    if (name?.[1] === undefined) throw invalid('Invalid field selection ' + fields.slice(at), 'fields')
    at += name[0].length
    const below = into.get(name[1]) ?? new Map<string, Tree | null>()
    const known = into.has(name[1])
    let wanted: Tree | null = null
    if (fields[at] === '/') {
      at += 1
      selector(below)
      wanted = below
    } else if (fields[at] === '(') {
      at += 1
      for (const [key, value] of list()) below.set(key, value)
      if (fields[at] !== ')') throw invalid('Invalid field selection ' + fields, 'fields')
      at += 1
      wanted = below
    }
    into.set(name[1], known && into.get(name[1]) === null ? null : wanted)
  }
  const tree = list()
  if (at !== fields.length) throw invalid('Invalid field selection ' + fields.slice(at), 'fields')
  return tree
}

/** The parts of `value` that the mask names. */
export function pick(value: unknown, mask: Mask): unknown {
  if (mask === null || mask.has('*') || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one: unknown) => pick(one, mask))
  const entries = Object.entries(value).filter(([name]) => mask.has(name))
  return Object.fromEntries(entries.map(([name, below]) => [name, pick(below, mask.get(name) ?? null)]))
}

/** Whether the mask wants the field that a path of names leads to. */
export function wants(mask: Mask, ...path: readonly string[]): boolean {
  const [name, ...rest] = path
  if (mask === null || name === undefined || mask.has('*')) return true
  return mask.has(name) && wants(mask.get(name) ?? null, ...rest)
}

/** The part of a mask below `name`. */
export function below(mask: Mask, name: string): Mask {
  return mask === null || mask.has('*') ? null : (mask.get(name) ?? null)
}

/** The mask of a `fields` parameter; `otherwise` when there is none. */
export function maskOf(fields: string | null, otherwise: Mask): Mask {
  return fields === null ? otherwise : parseFields(fields)
}
