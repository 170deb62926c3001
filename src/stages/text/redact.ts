/** What stands in a secret's place. */
export const MARK = '[secret]'

/** Shorter values would tear ordinary words apart. */
const SHORTEST = 4
const SHORTEST_CORE = 8

/** Names of the program's own, whatever the secrets are. */
const OWN = /dicom[-_](?:backup|files)/

/** Secrets that are known by their looks: what services hand out while the program runs. */
const LOOKS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, MARK],
  [/\b(Bearer\s+|Authorization:\s*Basic\s+)[\w.~+/=-]+/gi, `$1${MARK}`],
  // name=value in addresses and forms, "name": "value" in JSON, also in JSON within JSON; but no sentence about a setting of
  // that name, as in "accessToken: is missing"
  [
    /\b((?:access|refresh|id)_?token|client_?secret|app_?secret|private_?key|upload_?id|session_?id|assertion|code_verifier)(\\*["']?\s*[:=]\s*\\*["']?)(?!(?:is|found|cannot|uses|contains|starts) )[^\s"'&,;}\\]+/gi,
    `$1$2${MARK}`,
  ],
  [/\b(password|passwd|pwd)=[^\s"'&,;]+/gi, `$1=${MARK}`],
  // ://user:password@
  [/(:\/\/)[^\s/@:]*:[^\s/@]+@/g, `$1${MARK}@`],
  // Dropbox and Google access tokens, Google refresh tokens and client secrets, signed assertions
  [/\bsl\.[\w.-]{6,}/g, MARK],
  [/\bya29\.[\w.-]+/g, MARK],
  [/\b1\/\/[\w-]{10,}/g, MARK],
  [/\bGOCSPX-[\w-]+/g, MARK],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, MARK],
]

/**
 * A function that replaces by `[secret]` each of `secrets` of 4 characters or more, plain or as it stands in an
 * address, in JSON or in base64, and whatever looks like a token.
 */
function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length)
  // What has one of our own names in it goes first; else the names stay, so that a password such as "dicom" does not
  // make every archive's name unreadable.
  const [longer, others] = [forms.filter((form) => OWN.test(form)), forms.filter((form) => !OWN.test(form))]
  const all = [...longer.map(escaped), OWN.source, ...others.map(escaped)]
  const pattern = forms.length === 0 ? null : new RegExp(all.join('|'), 'g')
  const isOwn = new Set(longer)
  return (text) => {
    const rest =
      pattern === null ? text : text.replace(pattern, (found) => (OWN.test(found) && !isOwn.has(found) ? found : MARK))
    return LOOKS.reduce((redacted, [looks, mark]) => redacted.replace(looks, mark), rest)
  }
}

const known = new Set<string>()
let redactKnown = redactor([])

/** Lets `redact` know these secrets, in this process, for good. */
export function addSecrets(secrets: readonly string[]): void {
  for (const secret of secrets) known.add(secret)
  redactKnown = redactor([...known])
}

/**
 * For every text that leaves the process: takes out all secrets that were read so far, and whatever looks like a token.
 */
export function redact(text: string): string {
  return redactKnown(text)
}

function formsOf(secret: string): string[] {
  if (secret.length < SHORTEST) return []
  // A key of many lines may be quoted in part.
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= 16)
  const address = [
    encodeURIComponent(secret.toWellFormed()),
    encodeURI(secret.toWellFormed()),
    new URLSearchParams([['', secret]]).toString().slice(1),
  ]
  const lowerCase = address.map((form) => form.replaceAll(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()))
  const json = JSON.stringify(secret).slice(1, -1)
  const base64 = [...cores(secret), Buffer.from(secret).toString('base64')]
  const urlBase64 = base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))
  return [secret, ...lines, ...address, ...lowerCase, json, JSON.stringify(json).slice(1, -1), ...base64, ...urlBase64]
}

/**
 * The base64 characters that come of the secret alone, for each place it can have in a longer text, as in
 * user:password.
 */
function cores(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [0, 1, 2]
    .map((before) => {
      const start = Math.ceil((before * 8) / 6)
      const end = Math.floor(((before + bytes.length) * 8) / 6)
      return Buffer.concat([Buffer.alloc(before), bytes])
        .toString('base64')
        .slice(start, end)
    })
    .filter((core) => core.length >= SHORTEST_CORE)
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
