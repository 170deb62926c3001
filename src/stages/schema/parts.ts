import { z } from 'zod'
import { asSecret } from './declared.ts'
import { parseSize } from './size.ts'

/**
 * What the schema is made of. Each part is given, as every issue's message, what would be right there; issues.ts puts
 * what was found in front of it.
 */

/** Marks an issue whose message is the whole sentence. */
export const SENTENCE = { sentence: true } as const

export const SINGLE_LINE = 'text in one line; digits alone go in quotes'
const CONTROL =
  'text without control characters; in double quotes a backslash starts an escape such as \\n, so a Windows path goes in single quotes'

export function text(right: string): z.ZodString {
  return z
    .string(right)
    .regex(/\S/, right)
    .regex(/^\P{Cc}*$/u, CONTROL)
}

export const path = text

/** An id or a key as services hand them out. */
export function token(right: string): z.ZodString {
  return text(right).regex(/^\S*$/, `${right}, without spaces`)
}

/** One that is never to be shown. */
export function secret(right: string): z.ZodString {
  return asSecret(token(right))
}

export function whole(least: number, most = Number.MAX_SAFE_INTEGER): z.ZodInt {
  const right =
    most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least} up` : `a whole number from ${least} to ${most}`
  return z.int(right).min(least, right).max(most, right)
}

/** A size in bytes between two others: `right` names them. */
export function size(right: string, least: number, most: number) {
  return z.union([z.string(), z.number()], right).transform((written, context) => {
    const bytes = parseSize(written)
    if (bytes !== null && bytes >= least && bytes <= most) return bytes
    context.addIssue({ code: 'custom', message: right })
    return z.NEVER
  })
}

export function list<T extends z.ZodType>(item: T, right = 'a list'): z.ZodArray<T> {
  return z.array(item, right)
}

/** A map in which unknown keys are faults; the message of such an issue is the list of the known keys. */
export function section<T extends z.core.$ZodLooseShape>(right: string, shape: T): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? known : right) })
}

interface Broken {
  readonly key: string
  readonly message: string
}

/** Adds what must hold between the keys of a section. It is checked even when single values are wrong. */
export function rules<T extends z.ZodObject>(
  schema: T,
  broken: (given: Readonly<Partial<Record<string, unknown>>>) => readonly (Broken | false)[],
): T {
  return schema.superRefine(
    (given, context) => {
      for (const rule of broken(given)) {
        if (rule === false) continue
        context.addIssue({ code: 'custom', path: [rule.key], message: rule.message, params: SENTENCE })
      }
    },
    { when: ({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value) },
  )
}

const ORIGIN = 'an origin such as http://127.0.0.1:9000, without a path, a query or a user name'

export const origin = text(ORIGIN).transform((written, context) => {
  const url = URL.parse(written)
  const bare = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
  if (bare) return url.origin
  context.addIssue({ code: 'custom', message: ORIGIN })
  return z.NEVER
})
