import { systemCode } from '../../pipeline/contract/errors.ts'

/**
 * Why no answer came, or only part of one: `cut` the connection ended early (a kept connection that the server had
 * closed meanwhile is reported the same way); `stalled` no byte moved for `stallMs`; `unanswered` everything was sent and
 * `answerMs` went by; `refused` nothing listens there; `unreachable` no way to the host; `dns` its name is not known;
 * `tls` its certificate is not trusted; `proxy` the HTTP proxy refused; `protocol` what came is not HTTP; `oversized`
 * the answer has more bytes than any that is expected; `unending` it did not end in time; `aborted` by the caller's
 * signal or because the transport was closed.
 */
export type TransportErrorKind =
  | 'cut'
  | 'stalled'
  | 'unanswered'
  | 'refused'
  | 'unreachable'
  | 'dns'
  | 'tls'
  | 'proxy'
  | 'protocol'
  | 'oversized'
  | 'unending'
  | 'aborted'

const WHAT: Readonly<Record<TransportErrorKind, (host: string) => string>> = {
  cut: (host) => `The connection to ${host} was cut`,
  stalled: (host) => `The connection to ${host} stalled`,
  unanswered: (host) => `${host} accepted the request but did not answer`,
  refused: (host) => `${host} refuses the connection`,
  unreachable: (host) => `${host} cannot be reached`,
  dns: (host) => `The name ${host} cannot be resolved`,
  tls: (host) => `The certificate that ${host} shows is not trusted`,
  proxy: (host) => `The HTTP proxy does not allow ${host}`,
  protocol: (host) => `${host} sent an invalid HTTP response`,
  oversized: (host) => `The answer of ${host} is larger than expected`,
  unending: (host) => `The answer of ${host} did not end in time`,
  aborted: (host) => `The request to ${host} was stopped`,
}

/**
 * A request without a whole answer. It holds the kind, the host that was called and the system's error code, and has no
 * `cause`: Node's own errors may carry addresses of proxies with their passwords.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly kind: TransportErrorKind
  /** Host, with the port when it is not the scheme's own. */
  readonly host: string
  /** 'ECONNRESET', 'CERT_HAS_EXPIRED', …; '' when there is none. */
  readonly code: string

  constructor(kind: TransportErrorKind, host: string, code = '') {
    super(`${WHAT[kind](host)}${code === '' ? '' : ` (${code})`}.`)
    this.kind = kind
    this.host = host
    this.code = code
  }
}

const KIND_OF_CODE: Readonly<Record<string, TransportErrorKind>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ENODATA: 'dns',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'unreachable',
  ERR_PROXY_TUNNEL: 'proxy',
}

/** X.509 error codes, https://nodejs.org/api/tls.html#x509-certificate-error-codes, and the wrong host name. */
const CERTIFICATE = /CERT|^UNABLE_TO_|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$|^HOSTNAME_MISMATCH$/
/** llhttp's codes, OpenSSL's, and a handshake with something that does not speak TLS. */
const NOT_HTTP = /^HPE_|^ERR_SSL_|^EPROTO$|^ERR_HTTP_/

/** What node:http, node:net or node:tls reported, as a TransportError. */
export function toTransportError(error: unknown, host: string): TransportError {
  if (error instanceof TransportError) return error
  const code = systemCode(error)
  const known = KIND_OF_CODE[code]
  if (known !== undefined) return new TransportError(known, host, code)
  if (CERTIFICATE.test(code)) return new TransportError('tls', host, code)
  if (NOT_HTTP.test(code)) return new TransportError('protocol', host, code)
  return new TransportError('cut', host, code)
}
