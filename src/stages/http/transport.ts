import type { Agent } from 'node:http'
import { BackupError } from '../../pipeline/contract/errors.ts'
import { exchange } from './exchange.ts'
import { HttpsAgent } from './https-agent.ts'
import { http } from './node-http.ts'
import { prepareBody } from './request-body.ts'
import { isLogged, requestDone } from './request-line.ts'
import { trustSystemCertificates } from './system-certificates.ts'
import { TransportError } from './transport-error.ts'
import type { Transport, TransportOptions, TransportRequest } from './types.ts'

const STALL_MS = 60_000
const ANSWER_MS = 300_000
/** A page of a listing has 2 MB and takes seconds; a slow line is given its time. */
const WHOLE_MS = 180_000
const ANSWER_BYTES = 16 * 1024 * 1024

/**
 * A client with kept connections. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed, save for this machine itself, which
 * no proxy could reach. Answers come unencoded. A request body that is none of `RequestBody` rejects with a TypeError.
 * Throws E_CONFIG when a proxy's address cannot be read.
 */
export function createTransport(options: TransportOptions = {}): Transport {
  trustSystemCertificates()
  const agents = createAgents()
  const origins = new Map(Object.entries(options.origins ?? {}))
  const open = new Set<() => void>()
  let closed = false

  return {
    async fetch(url, request = {}) {
      const real = new URL(url)
      const standIn = origins.get(real.origin)
      const target = standIn === undefined ? real : new URL(real.pathname + real.search, standIn)
      if (closed) throw new TransportError('aborted', target.host)
      const answer = exchange(target, request, {
        agent: agents[target.protocol === 'https:' ? 'https:' : 'http:'],
        stallMs: options.stallMs ?? STALL_MS,
        answerMs: options.answerMs ?? ANSWER_MS,
        wholeMs: options.wholeMs ?? WHOLE_MS,
        answerBytes: options.answerBytes ?? ANSWER_BYTES,
        headers: standIn === undefined ? {} : { 'X-Forwarded-Host': real.host },
        open,
      })
      return isLogged() ? await logged(options.destination ?? null, real, request, answer) : await answer
    },
    close() {
      closed = true
      for (const stop of [...open]) stop()
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}

async function logged(
  destination: string | null,
  { host, pathname }: URL,
  request: TransportRequest,
  answer: Promise<Response>,
): Promise<Response> {
  const from = performance.now()
  const done = (status: number | null, error: string | null): void => {
    const { method = 'GET', body } = request
    const { bytes } = prepareBody(body)
    const ms = Math.round(performance.now() - from)
    requestDone({ destination, method, host, path: pathname, offset: offsetOf(request), bytes, ms, status, error })
  }
  try {
    const response = await answer
    done(response.status, null)
    return response
  } catch (error) {
    done(null, error instanceof TransportError ? error.kind : 'unknown')
    throw error
  }
}

/** RFC 9110, 14.2 and 14.4. */
function offsetOf({ headers, offset }: TransportRequest): number | null {
  const all = new Headers(headers as Record<string, string> | undefined)
  const found = /^bytes[ =](\d+)-/.exec(all.get('content-range') ?? all.get('range') ?? '')
  return offset ?? (found === null ? null : Number(found[1]))
}

/** A scheme that Node's agents know; any other address they ignore without a word, and go past the proxy. */
const PROXY_SCHEMES = ['http:', 'https:']

function createAgents(): { readonly 'http:': Agent; readonly 'https:': HttpsAgent } {
  for (const name of ['https_proxy', 'http_proxy']) mustBeProxy(name, process.env)
  const options = { keepAlive: true, proxyEnv: proxyEnvironment(process.env) }
  return { 'http:': new http.Agent(options), 'https:': new HttpsAgent(options) }
}

/** Throws E_CONFIG. The address may hold a password, so neither it nor Node's error, which repeats it, is shown. */
function mustBeProxy(name: string, env: NodeJS.ProcessEnv): void {
  const [used = name, value = ''] =
    [name, name.toUpperCase()]
      .map((variable) => [variable, env[variable]] as const)
      .find(([, text]) => text !== undefined) ?? []
  const address = value.trim()
  if (address === '') return
  const url = URL.parse(address)
  const scheme = url?.protocol ?? ''
  if (url !== null && PROXY_SCHEMES.includes(scheme)) return
  const hasScheme = address.includes('://')
  const what = hasScheme ? 'is not the address of an HTTP proxy' : 'has no scheme (http://)'
  throw new BackupError('E_CONFIG', `The environment variable ${used} ${what}.`, {
    advice: 'Set it to http://host:port, or remove it.',
  })
}

/** The proxy variables with this machine exempt. Lower case takes precedence, as in Node and curl. */
function proxyEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const exempt = env['no_proxy'] ?? env['NO_PROXY'] ?? ''
  const local = 'localhost,127.0.0.1,::1'
  return {
    http_proxy: env['http_proxy'] ?? env['HTTP_PROXY'],
    https_proxy: env['https_proxy'] ?? env['HTTPS_PROXY'],
    no_proxy: exempt === '' ? local : `${exempt},${local}`,
  }
}
