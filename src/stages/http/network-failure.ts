import { abortError, BackupError } from '../../pipeline/contract/errors.ts'
import { TransportError } from './transport-error.ts'
import type { TransportErrorKind } from './transport-error.ts'

const ADVICE: Readonly<Record<TransportErrorKind, string>> = {
  cut: 'Check the network; the backup continues by itself once it is back.',
  stalled: 'Check the network; the backup continues by itself once it is back.',
  unanswered: 'The service may be overloaded; the backup continues by itself once it answers.',
  refused: 'Check the firewall, and the endpoints in the configuration if there are any.',
  unreachable: 'Check the network and the firewall.',
  dns: "Check the network and this machine's name server.",
  tls: "Check this machine's clock. If a firewall opens TLS connections, name its certificate in NODE_EXTRA_CA_CERTS.",
  proxy: 'Check HTTPS_PROXY, and that the proxy allows this host.',
  protocol: 'Check that no proxy or firewall answers instead of the service.',
  oversized: 'Check that no proxy or firewall answers instead of the service.',
  unending: 'Check the network, and that no proxy or firewall answers in place of the service.',
  aborted: '',
}

export interface NetworkFailureOptions {
  /**
   * What to do next; `resume` where the request may have been carried out. A certificate that is not trusted is `stop`.
   */
  readonly remedy?: 'retry' | 'resume'
  /** The caller's signal: when it is aborted, its own reason is the error. */
  readonly signal?: AbortSignal
}

/** The TransportError that `error` is or that an SDK wrapped as its `cause`; null when there is none. */
export function transportErrorOf(error: unknown): TransportError | null {
  if (error instanceof TransportError) return error
  return error instanceof Error && error.cause instanceof TransportError ? error.cause : null
}

/**
 * What a request without an answer means for a destination: E_DESTINATION that names the destination and the host, or
 * E_ABORTED. Null when `error` has nothing to do with the transport.
 */
export function networkFailure(
  destination: string,
  error: unknown,
  options: NetworkFailureOptions = {},
): BackupError | null {
  const found = transportErrorOf(error)
  if (found === null) return null
  if (options.signal?.aborted === true) return abortError(options.signal)
  if (found.kind === 'aborted') return new BackupError('E_ABORTED', `${destination}: ${found.message}`)
  return new BackupError('E_DESTINATION', `${destination}: ${found.message}`, {
    remedy: found.kind === 'tls' ? 'stop' : (options.remedy ?? 'retry'),
    advice: ADVICE[found.kind],
    cause: found,
  })
}
