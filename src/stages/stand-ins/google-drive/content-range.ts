/** The Content-Range header of a request to an upload session. */

export type ContentRange =
  /** `bytes * / total`: no bytes come. Null: the total is not known. */
  | { readonly kind: 'query'; readonly total: number | null }
  /** `bytes first-last/total`; `end` is the byte after the last. */
  | { readonly kind: 'bytes'; readonly start: number; readonly end: number; readonly total: number | null }

/** Null: malformed. */
export function parseContentRange(header: string): ContentRange | null {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(?:(\d+)|\*)$/.exec(header)
  if (match === null) return null
  const [, first, last, size] = match
  const total = size === undefined ? null : Number(size)
  if (first === undefined || last === undefined) return { kind: 'query', total }
  const start = Number(first)
  const end = Number(last) + 1
  return end > start && (total === null || end <= total) ? { kind: 'bytes', start, end, total } : null
}
