/** Waits for the browser to come back from the service's consent page. RFC 8252 section 7.3 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'

export interface Loopback {
  /** The redirect address. */
  readonly uri: string
  /** What the browser brought; rejects with E_AUTH when consent was refused. */
  readonly code: Promise<string>
  /** Stops listening. */
  close(): void
}

/**
 * Listens on this machine alone. `port` null: a free one. Rejects with E_CONFIG when the port is taken. What comes with
 * another `state` is turned away, and the wait goes on.
 */
export async function listen(host: string, port: number | null, state: () => string): Promise<Loopback> {
  const { promise: code, resolve, reject } = Promise.withResolvers<string>()
  // Who only pastes the code never looks at this one.
  code.catch(() => undefined)
  const server = createServer((request, response) => {
    // Anybody on this machine may send anything here.
    const url = URL.parse(request.url ?? '', 'http://localhost')
    if (request.method !== 'GET' || url?.pathname !== '/') {
      page(response, 404, 'Nothing here.')
      return
    }
    const answer = codeIn(url.searchParams, state())
    if ('wrong' in answer) {
      page(response, 400, answer.wrong)
    } else if ('refused' in answer) {
      page(response, 200, 'Nothing was connected. You can close this page.', () => {
        reject(answer.refused)
      })
    } else {
      page(response, 200, 'Thank you. You can close this page; dicom-backup says whether it is connected.', () => {
        resolve(answer.code)
      })
    }
  })
  server.listen(port ?? 0, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new BackupError('E_CONFIG', `Port ${port} of this machine cannot be opened (${systemCode(error)}).`, {
      advice:
        'Choose another with --port (it must be registered as a redirect address at the service), or use --no-browser.',
      cause: error,
    })
  }
  return {
    uri: `http://${host}:${(server.address() as AddressInfo).port}/`,
    code,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** The code among the parameters that a redirect brought. */
export function codeIn(
  parameters: URLSearchParams,
  state: string,
): { readonly code: string } | { readonly wrong: string } | { readonly refused: BackupError } {
  if (parameters.get('state') !== state)
    return { wrong: 'This page belongs to another attempt. Start again from dicom-backup.' }
  const error = parameters.get('error')
  if (error !== null) {
    const word = /^[\w.]{1,60}$/.test(error) ? error : 'no reason given'
    return {
      refused: new BackupError('E_AUTH', `The sign-in was refused at the service's page (${word}).`, {
        advice: 'Start again, and allow the access.',
      }),
    }
  }
  const code = parameters.get('code') ?? ''
  return code === '' ? { wrong: 'There is no code here. Start again from dicom-backup.' } : { code }
}

/** `then`: once the page is with the browser, or the browser is gone. */
function page(response: ServerResponse, status: number, text: string, then: () => void = () => undefined): void {
  response.once('close', then)
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', connection: 'close' })
  response.end(
    `<!doctype html><meta charset="utf-8"><title>dicom-backup</title><body style="font-family:sans-serif;margin:4em"><p>${text}</p>`,
  )
}
