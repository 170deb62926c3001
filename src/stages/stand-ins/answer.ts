/** What a stand-in answers, as a value: handlers return one, or throw it as a `Refusal`. */

export interface Answer {
  readonly status: number
  /** The reason phrase; default: Node's own for the status. */
  readonly reason?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | AnswerStream
}

export interface AnswerStream {
  readonly bytes: number
  readonly chunks: AsyncIterable<Uint8Array>
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

export function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body }
}

/** What a front end answers when what is behind it is down: HTML whatever was asked for. */
export function html(status: number): Answer {
  const body = `<!DOCTYPE html><html><head><title>Error ${status}</title></head><body><h1>Error ${status}</h1></body></html>\n`
  return { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body }
}

/** A failure with no body under a content type that fits nothing. */
export function empty(status: number): Answer {
  return { status, headers: { 'content-type': 'application/grpc' }, body: '' }
}

/** A handler's way out: the rest of the request's body is read, then the answer goes out. */
export class Refusal extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super(`refused with ${answer.status}`)
    this.answer = answer
  }
}

/** There is nobody left to answer: the other side is gone, or a fault ends the connection once the handler is out. */
export class Gone extends Error {
  readonly how: 'close' | 'reset'

  constructor(how: 'close' | 'reset' = 'close') {
    super('the connection is gone')
    this.how = how
  }
}
