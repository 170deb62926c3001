/** Resumable uploads. https://developers.google.com/workspace/drive/api/guides/manage-uploads */

import { Refusal, text } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { json } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import type { Account, Holder } from './account.ts'
import { caller, quotaOf, writer } from './account.ts'
import { parseContentRange } from './content-range.ts'
import type { ContentRange } from './content-range.ts'
import { invalid, noServiceAccountQuota, offsetTooFar, storageQuotaExceeded } from './errors.ts'
import { maskOf } from './fields.ts'
import { DEFAULT_FIELDS } from './files.ts'
import { checkId, draft, parseMetadata } from './metadata.ts'
import { UNIT } from './sessions.ts'
import type { Session } from './sessions.ts'

/** Starts a session; its address is the answer's Location. */
export async function begin(account: Account, exchange: Exchange): Promise<Answer> {
  const holder = writer(account, exchange)
  const metadata = parseMetadata(await exchange.text())
  const file = draft(account, holder, metadata, exchange.header('x-upload-content-type'))
  const fields = maskOf(exchange.url.searchParams.get('fields'), DEFAULT_FIELDS)
  const total = declaredLength(exchange)
  await exchange.at('before-commit')
  if (account.quotaChecks.has('begin')) checkQuota(account, holder, total ?? 1)
  return { status: 200, headers: { location: address(exchange, await account.sessions.start(file, fields, total)) } }
}

/** PUT or POST to a session's address: a chunk, or the question what is held. */
export async function put(account: Account, exchange: Exchange, id: string): Promise<Answer> {
  const holder = caller(account, exchange)
  const session = await find(account, exchange, id)
  if (session.finished !== null) {
    await exchange.drain()
    return finished(account, session)
  }
  const range = readRange(exchange)
  if (range.total !== null) checkTotal(session, range.total)
  if (range.kind === 'query') {
    await session.incoming.interrupt()
    await exchange.drain()
    await exchange.at('before-commit')
  } else await take(account, exchange, holder, session, range, id)
  const { held } = session.incoming
  if (range.total !== null && range.total >= held) session.total = range.total
  if (range.total === held && (range.kind === 'query' || range.end === held))
    return complete(account, holder, session, id)
  const headers = held === 0 ? {} : { range: `bytes=0-${held - 1}` }
  const moved = exchange.take('moved') === null ? {} : { location: address(exchange, account.sessions.move(id)) }
  return { status: 308, reason: 'Resume Incomplete', headers: { ...headers, ...moved } }
}

/** DELETE of a session. */
export async function cancel(account: Account, exchange: Exchange, id: string): Promise<Answer> {
  caller(account, exchange)
  await find(account, exchange, id)
  await exchange.drain()
  await exchange.at('before-commit')
  await account.sessions.drop(id)
  return { status: 499, reason: 'Client Closed Request' }
}

function address(exchange: Exchange, id: string): string {
  return `http://${exchange.header('host') ?? ''}/upload/drive/v3/files?uploadType=resumable&upload_id=${id}`
}

async function find(account: Account, exchange: Exchange, id: string): Promise<Session> {
  if (exchange.take('session-gone') !== null) await account.sessions.drop(id)
  const session = await account.sessions.find(id)
  if (session === null) throw gone(account)
  const forget = session.finished === null ? exchange.take('forget') : null
  if (forget !== null) await session.incoming.forget(forget.bytes)
  return session
}

function gone(account: Account): Refusal {
  return new Refusal(text(account.goneStatus, account.goneStatus === 404 ? 'Not Found' : 'Gone'))
}

function readRange(exchange: Exchange): ContentRange {
  const header = exchange.header('content-range')
  // Without the header the body is the whole file.
  const { length } = exchange
  if (header === null && length !== null && length > 0) return { kind: 'bytes', start: 0, end: length, total: length }
  const range = parseContentRange(header ?? '')
  if (range === null) throw new Refusal(text(400, 'Failed to parse Content-Range header.'))
  const expected = range.kind === 'query' ? 0 : range.end - range.start
  if (length !== null && length !== expected)
    throw new Refusal(text(400, `Content-Length ${length} does not agree with the Content-Range header.`))
  exchange.record.offset = range.kind === 'bytes' ? range.start : null
  return range
}

function declaredLength(exchange: Exchange): number | null {
  const header = exchange.header('x-upload-content-length')
  if (header === null) return null
  if (!/^\d+$/.test(header)) throw invalid('Invalid X-Upload-Content-Length header.')
  return Number(header)
}

function checkTotal(session: Session, total: number): void {
  if (session.total !== null && session.total !== total)
    throw new Refusal(
      text(400, `The total of ${total} byte(s) contradicts the earlier one of ${session.total} byte(s).`),
    )
}

type ByteRange = Extract<ContentRange, { kind: 'bytes' }>

/** Takes a chunk after what is held; what overlaps that is skipped, and only the upload's end may be no whole unit. */
async function take(
  account: Account,
  exchange: Exchange,
  holder: Holder,
  session: Session,
  range: ByteRange,
  id: string,
): Promise<void> {
  const { incoming } = session
  if (account.quotaChecks.has('chunk')) await checkQuotaOrDrop(account, holder, range.end, id)
  // What an older request has brought counts before this one is checked.
  await incoming.interrupt()
  if (session.total !== null && range.end > session.total)
    throw new Refusal(text(400, `Byte ${range.end} is past the declared total of ${session.total} byte(s).`))
  if (range.start > incoming.held) throw new Refusal(offsetTooFar(range.start, incoming.held))
  const overlap = incoming.held - range.start
  const partial = exchange.take('partial') === null ? Infinity : half(range.end - range.start)
  const kept = Math.min(exchange.keptOnFailure(UNIT) ?? Infinity, partial)
  const receiver = incoming.receive({
    limit: Math.max(0, kept - overlap),
    onAbandon: 'units',
    flip: exchange.take('flip') !== null,
  })
  try {
    let at = range.start
    for await (const chunk of exchange.body()) {
      const skipped = Math.min(chunk.length, Math.max(0, range.start + overlap - at))
      at += chunk.length
      if (skipped < chunk.length) await receiver.write(chunk.subarray(skipped))
    }
    await exchange.at('before-commit')
    await receiver.commit(range.end === range.total && partial === Infinity ? 'all' : 'units')
  } finally {
    await receiver.settle()
  }
}

function half(bytes: number): number {
  return Math.floor(bytes / 2 / UNIT) * UNIT
}

async function complete(account: Account, holder: Holder, session: Session, id: string): Promise<Answer> {
  const { incoming, draft: file } = session
  await checkQuotaOrDrop(account, holder, incoming.held, id)
  checkId(account, file.id)
  await incoming.blob.seal(incoming.held, file.name)
  const content = {
    blob: incoming.blob,
    bytes: incoming.held,
    digests: incoming.digests(),
    revision: account.files.issueId(),
  }
  session.finished = account.files.put({ ...file, content })
  return finished(account, session)
}

async function finished(account: Account, session: Session): Promise<Answer> {
  const { finished: file } = session
  if (file === null) throw new Error('The session is not finished.')
  return json(200, await account.files.resource(file, session.fields))
}

/** A 4xx other than for tokens and rates ends a session. */
async function checkQuotaOrDrop(account: Account, holder: Holder, bytes: number, id: string): Promise<void> {
  try {
    checkQuota(account, holder, bytes)
  } catch (error) {
    await account.sessions.drop(id)
    throw error
  }
}

function checkQuota(account: Account, holder: Holder, bytes: number): void {
  const quota = quotaOf(account, holder)
  if (quota === null || account.files.usedBytes() + bytes <= quota) return
  throw new Refusal(holder.serviceAccountQuota === 0 ? noServiceAccountQuota() : storageQuotaExceeded())
}
