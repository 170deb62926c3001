import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { ParsedNode, Scalar } from 'yaml'
import { keyText } from './config-error.ts'
import type { Fault, Path } from './config-error.ts'
import { substitute } from './substitute.ts'
import { syntaxMessage } from './syntax.ts'

/** Counted from 1. */
interface Place {
  readonly line: number
  readonly column: number
}

/** Where a value stands in the file, or for a list and a map its key, and how it was written. */
interface Spot extends Place {
  /** Environment variables that are part of it. */
  readonly names: readonly string[]
  /** Whether it was written without quotes, so that a variable's value may be a number or true/false. */
  readonly plain: boolean
}

/** A configuration file as values, with the place of each. */
export interface Source {
  /**
   * Maps, lists, texts, numbers, true/false and null; `${NAME}` is replaced, but stays as written where that failed.
   */
  readonly value: unknown
  /** Syntax errors (then nothing else), repeated keys, and texts whose `${NAME}` could not be replaced. */
  readonly faults: readonly Fault[]
  /** Null when there is no such value. */
  spot(path: Path): Spot | null
  /** A fault at this path; when nothing stands there, at the nearest section around it. */
  fault(path: Path, message: string): Fault
  /** A fault at the key itself. */
  keyFault(path: Path, message: string): Fault
}

/** Exact, unlike the key text, in which a key 'a.b' looks like a key 'b' below 'a'. */
const id = (path: Path): string => JSON.stringify(path)

/**
 * In `{ … }` and `[ … ]` YAML would take the braces of `${NAME}` for its own; until it is read they are characters that
 * Unicode keeps for such uses. Places stay as they are.
 */
function masked(text: string): string {
  return text.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, '$\uFDD0$1\uFDD1')
}

function unmasked(text: string): string {
  return text.replaceAll('\uFDD0', '{').replaceAll('\uFDD1', '}')
}

/** The sign in front of a value that makes it an anchor or gives it a type, which no setting here needs. */
function signOf(node: { readonly anchor?: unknown; readonly tag?: unknown }): string | null {
  if (node.tag !== undefined) return '!'
  return node.anchor === undefined ? null : '&'
}

export function readSource(text: string, env: NodeJS.ProcessEnv): Source {
  const lines = new LineCounter()
  // uniqueKeys: repeated keys are reported below, with their path.
  const document = parseDocument(masked(text), {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  })
  const spots = new Map<string, Spot>()
  const keys = new Map<string, Place>()
  const faults: Fault[] = []

  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const fault = (path: Path, message: string): Fault => {
    for (let length = path.length; length > 0; length--) {
      const spot = spots.get(id(path.slice(0, length)))
      if (spot !== undefined) return { key: keyText(path), line: spot.line, column: spot.column, message }
    }
    return { key: keyText(path), line: 1, column: 1, message }
  }
  const keyFault = (path: Path, message: string): Fault => {
    const at = keys.get(id(path))
    return at === undefined ? fault(path, message) : { key: keyText(path), ...at, message }
  }

  function scalar(node: Scalar, path: Path, at: Place): unknown {
    if (typeof node.value !== 'string') return node.value
    const { text: result, names, missing, malformed } = substitute(unmasked(node.value), env)
    spots.set(id(path), { ...at, names, plain: node.type === 'PLAIN' })
    for (const name of missing) {
      faults.push(fault(path, `uses the environment variable ${name}, which is not set for this account`))
    }
    if (malformed) {
      faults.push(
        fault(
          path,
          'contains "${" without a variable\'s name and a closing "}"; expected ${NAME}, or $${ for a plain ${',
        ),
      )
    }
    return result
  }

  function walk(node: ParsedNode | null, path: Path, keyAt: Place | null): unknown {
    if (node === null) return null
    const at = place(node.range[0])
    const collection = isMap(node) || isSeq(node)
    const sign = signOf(node)
    spots.set(id(path), { ...((collection ? keyAt : null) ?? at), names: [], plain: false })
    if (sign !== null || !(collection || isScalar(node))) {
      const message = `starts with "${sign ?? '*'}", which has a meaning of its own in YAML; expected the value in single quotes`
      faults.push(fault(path, message))
      return null
    }
    if (isScalar(node)) return scalar(node, path, at)
    if (isSeq(node)) return node.items.map((item, index) => walk(item, [...path, index], null))
    // Without a prototype, so that a key "__proto__" is a key like any other.
    const map = Object.create(null) as Record<string, unknown>
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? unmasked(String(key.value)) : ''
      const inner = [...path, name]
      const nameAt = place(key.range[0])
      const first = keys.get(id(inner))
      if (first !== undefined) {
        faults.push({
          key: keyText(inner),
          ...nameAt,
          message: `is repeated; it is first on line ${first.line}`,
        })
        continue
      }
      keys.set(id(inner), nameAt)
      map[name] = walk(value, inner, nameAt)
    }
    return map
  }

  for (const [index, error] of document.errors.entries()) {
    const at = place(error.pos[0])
    // Once the reader has lost its way it minds every word to the end, which says nothing new.
    const telling = index === 0 || (error.code !== 'UNEXPECTED_TOKEN' && faults.at(-1)?.line !== at.line)
    if (telling) faults.push({ key: '', ...at, message: syntaxMessage(error) })
  }
  const value = faults.length > 0 ? null : walk(document.contents, [], null)
  return { value, faults, spot: (path) => spots.get(id(path)) ?? null, fault, keyFault }
}

/** The value at a path; undefined when there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Partial<Record<string | number, unknown>>)[part]
        : undefined,
    value,
  )
}

export function isScalarValue(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
