import diagnosticsChannel from 'node:diagnostics_channel'

/**
 * One request to a service, as a log at level `debug` has it. Never its headers, its body or what comes behind `?`: that is
 * where secrets are.
 */
export interface RequestLine {
  /** Null: a request of no destination. */
  readonly destination: string | null
  readonly method: string
  readonly host: string
  readonly path: string
  /** Where in the upload or the object the bytes begin; null where the request has none, or does not say. */
  readonly offset: number | null
  /** Of the request's body. */
  readonly bytes: number
  /** Until the answer began. */
  readonly ms: number
  /** Null: no answer came. */
  readonly status: number | null
  /** Why no answer came; null when one did. */
  readonly error: string | null
}

/** Whoever sends need not know whether anybody logs. */
const channel = diagnosticsChannel.channel('dicom-backup:request')

export const isLogged = (): boolean => channel.hasSubscribers

export function requestDone(line: RequestLine): void {
  channel.publish(line)
}

/** Calls `listener` for each request of this process, until the function that is returned is called. */
export function onRequests(listener: (line: RequestLine) => void): () => void {
  const heard = (line: unknown): void => {
    listener(line as RequestLine)
  }
  channel.subscribe(heard)
  return () => {
    channel.unsubscribe(heard)
  }
}
