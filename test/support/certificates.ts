/** Certificates of the tests' own, made with openssl. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { needProgram } from './needed-programs.ts'

const run = promisify(execFile)

export interface Authority {
  /** Path of the authority's certificate. */
  readonly ca: string
  /** A certificate that it signs; `names` as in 'DNS:localhost,IP:127.0.0.1'. */
  issue(name: string, names: string): Promise<{ readonly cert: string; readonly key: string }>
}

/** A new authority whose files lie in `folder`. */
export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  const file = (end: string): string => path.join(folder, `${name}${end}`)
  const openssl = (...args: readonly string[]): Promise<unknown> => run(needProgram('openssl'), [...args])
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const [ca, caKey] = [file('-ca.pem'), file('-ca-key.pem')]
  await openssl('req', '-x509', ...newKey, '-keyout', caKey, '-out', ca, '-days', '9', '-subj', `/CN=${name}`)
  return {
    ca,
    async issue(subject, names) {
      const [cert, key, request, extensions] = ['.pem', '-key.pem', '.csr', '.ext'].map((end) =>
        file(`-${subject}${end}`),
      )
      await openssl('req', ...newKey, '-keyout', key!, '-out', request!, '-subj', `/CN=${subject}`)
      await writeFile(extensions!, `subjectAltName=${names}\n`)
      const signed = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '9', '-extfile', extensions!]
      await openssl('x509', '-req', '-in', request!, '-out', cert!, ...signed)
      return { cert: cert!, key: key! }
    },
  }
}
