/** A text after `${NAME}` took its value from the environment and `$${` became `${`. */
export interface Substituted {
  readonly text: string
  /** Names that were asked for, in their order. */
  readonly names: readonly string[]
  /** Those of them that the environment does not have. */
  readonly missing: readonly string[]
  /** Whether a `${` is not followed by a name and `}`. */
  readonly malformed: boolean
}

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g

export function substitute(written: string, env: NodeJS.ProcessEnv): Substituted {
  const names: string[] = []
  const missing: string[] = []
  let malformed = false
  const text = written.replace(REFERENCE, (all: string, name: string | undefined) => {
    if (all === '$${') return '${'
    if (name === undefined) {
      malformed = true
      return all
    }
    names.push(name)
    const value = env[name]
    if (value === undefined) missing.push(name)
    return value ?? all
  })
  return { text, names, missing, malformed }
}
