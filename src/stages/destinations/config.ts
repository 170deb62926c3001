import type { ErrorCode } from '../../pipeline/contract/errors.ts'

/** A destination of the configuration, as all kinds have it: defaults filled in, paths absolute. */
export interface DestinationConfig {
  readonly name: string
  readonly type: string
  /** Where in it the archives go, for people; of a kind that `isLocal` an absolute path. */
  readonly folder: string
  /** Bytes a request carries; null: what suits the service. */
  readonly chunkSize: number | null
  /** Why this destination cannot be used; no other is affected. */
  readonly fault?: DestinationFault
}

export interface DestinationFault {
  readonly code: ErrorCode
  readonly message: string
  readonly advice: string
}
