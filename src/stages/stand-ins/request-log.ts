/** One request as the stand-in saw it. */
export interface RequestRecord {
  /** Counted from 1 since the stand-in started. */
  readonly n: number
  readonly route: string
  /** Where in the upload the request's body starts, in bytes; null for what is no upload. */
  readonly offset: number | null
  /** Bytes of its body that were read. */
  readonly bytes: number
  /** Null: no answer went out (yet). */
  readonly status: number | null
}

export type OpenRecord = { -readonly [K in keyof RequestRecord]: RequestRecord[K] }

const KEPT = 10_000

/** The latest requests, and how many there were of each route. */
export class RequestLog {
  #records: OpenRecord[] = []
  readonly #counts = new Map<string, number>()
  #n = 0

  open(route: string): OpenRecord {
    const record: OpenRecord = { n: ++this.#n, route, offset: null, bytes: 0, status: null }
    if (this.#records.length >= 2 * KEPT) this.#records = this.#records.slice(-KEPT)
    this.#records.push(record)
    this.#counts.set(route, (this.#counts.get(route) ?? 0) + 1)
    return record
  }

  /** The latest requests, at most 10,000, oldest first; of one route when it is named. */
  latest(route?: string): readonly RequestRecord[] {
    const latest = this.#records.slice(-KEPT)
    return route === undefined ? latest : latest.filter((record) => record.route === route)
  }

  /** How many requests there were, of one route when it is named. */
  count(route?: string): number {
    return route === undefined ? this.#n : (this.#counts.get(route) ?? 0)
  }
}
