/** start, append_v2 and finish. https://github.com/dropbox/dropbox-api-spec files.stone */

import { json, Refusal } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { ContentHash } from '../digests.ts'
import type { z } from 'zod'
import type { Receiver } from '../incoming.ts'
import type { Call } from './account.ts'
import type { appendArgument, finishArgument, startArgument } from './arguments.ts'
import { BLOCK, BlockRun } from './block-board.ts'
import { commit } from './commit.ts'
import { endpointError, refuse } from './errors.ts'
import type { ConcurrentSession, SequentialSession, Session } from './sessions.ts'
import { metadata } from './tree.ts'

export async function start({ account, exchange, argument }: Call<z.infer<typeof startArgument>>): Promise<Answer> {
  const type = argument.session_type['.tag']
  exchange.record.offset = 0
  if (type === 'concurrent') {
    if (argument.close) throw refuse('concurrent_session_close_not_allowed')
    if (exchange.length !== 0) throw refuse('concurrent_session_data_not_allowed')
  }
  const session = await account.sessions.start(type)
  try {
    if (session.type === 'sequential') await take({ account, exchange, argument }, session, [])
    else await exchange.at('before-commit')
  } catch (error) {
    await account.sessions.drop(session.id)
    throw error
  }
  session.closed = argument.close
  return json(200, { session_id: session.id })
}

export async function append(call: Call<z.infer<typeof appendArgument>>): Promise<Answer> {
  const { account, argument } = call
  const session = await find(call, [])
  if (session.finished) throw refuse(account.finishedSession)
  if (session.closed) throw refuse('closed')
  if (session.type === 'concurrent') await takeBlocks(call, session)
  else {
    checkOffset(session, argument.cursor.offset, [])
    await take(call, session, [])
  }
  session.closed ||= argument.close
  return json(200, null)
}

export async function finish(call: Call<z.infer<typeof finishArgument>>): Promise<Answer> {
  const { account, exchange, argument } = call
  const session = await find(call, ['lookup_failed'])
  if (session.finished) throw refuse('lookup_failed', account.finishedSession)
  if (session.type === 'concurrent') {
    if (exchange.length !== 0) throw refuse('concurrent_session_data_not_allowed')
    if (!session.closed) throw refuse('concurrent_session_not_closed')
    if (!session.board.isWhole() || argument.cursor.offset !== session.board.bytes)
      throw refuse('concurrent_session_missing_data')
    await exchange.at('before-commit')
    const { bytes } = session.board
    return json(
      200,
      metadata(await commit(account, session, bytes, session.board.contentHash(), argument.commit), false),
    )
  }
  checkOffset(session, argument.cursor.offset, ['lookup_failed'])
  if (session.closed && exchange.length !== 0) throw refuse('lookup_failed', 'closed')
  await take(call, session, ['lookup_failed'])
  const { incoming } = session
  const contentHash = incoming.digests()['contentHash'] ?? ''
  return json(200, metadata(await commit(account, session, incoming.held, contentHash, argument.commit), false))
}

type SessionCall = Call<{ readonly cursor: { readonly session_id: string; readonly offset: number } }>

/** The session that the cursor names. `at`: the tags that the route puts around its errors. */
async function find({ account, exchange, argument }: SessionCall, at: readonly string[]): Promise<Session> {
  const { session_id, offset } = argument.cursor
  exchange.record.offset = offset
  if (exchange.take('session-gone') !== null) await account.sessions.drop(session_id)
  const session = await account.sessions.find(session_id)
  if (session === null) throw refuse(...at, 'not_found')
  const forget = exchange.take('forget')
  if (forget !== null) {
    if (session.type === 'sequential') await session.incoming.forget(forget.bytes)
    else session.board.forget(forget.bytes)
  }
  // What an older request has brought counts before this one is checked.
  if (session.type === 'sequential') await session.incoming.interrupt()
  return session
}

function checkOffset(session: SequentialSession, offset: number, at: readonly string[]): void {
  const { held } = session.incoming
  if (offset !== held) throw new Refusal(endpointError([...at, 'incorrect_offset'], { correct_offset: held }))
}

function checkLength(length: number, limit: number): void {
  if (length > limit) throw refuse('payload_too_large')
}

type BodyCall = Call<{ readonly content_hash?: string | undefined }>

/** Takes the body after what the session holds. Nothing of it counts when the call fails, unless a fault says so. */
async function take(call: BodyCall, session: SequentialSession, at: readonly string[]): Promise<void> {
  const { account, exchange } = call
  const { incoming } = session
  const kept = exchange.keptOnFailure(1)
  const room = account.limits.fileBytes - incoming.held
  const receiver = incoming.receive({
    limit: kept ?? Infinity,
    onAbandon: kept === null ? 'none' : 'all',
    flip: exchange.take('flip') !== null,
  })
  try {
    await pour(call, receiver, room, at)
    await exchange.at('before-commit')
    await receiver.commit('all')
  } finally {
    await receiver.settle()
  }
}

async function pour(
  { account, exchange, argument }: BodyCall,
  receiver: Receiver,
  room: number,
  at: readonly string[],
) {
  // Bytes are hashed as they are taken; once more only where those are not all, or begin within a block.
  const isHashed = argument.content_hash === undefined || receiver.contentHash() !== null
  const hash = isHashed ? null : new ContentHash()
  let bytes = 0
  for await (const chunk of exchange.body()) {
    bytes += chunk.length
    checkLength(bytes, account.limits.requestBytes)
    checkRoom(bytes, room, at)
    hash?.update(chunk)
    await receiver.write(chunk)
  }
  checkHash(hash?.digests().contentHash ?? receiver.contentHash(), argument.content_hash)
}

function checkRoom(bytes: number, room: number, at: readonly string[]): void {
  if (bytes > room) throw refuse(...at, 'too_large')
}

function checkHash(found: string | null, expected: string | undefined): void {
  if (expected !== undefined && found !== expected) throw refuse('content_hash_mismatch')
}

/** Takes the body as whole blocks anywhere in a concurrent session. */
async function takeBlocks(call: Call<z.infer<typeof appendArgument>>, session: ConcurrentSession): Promise<void> {
  const { account, exchange, argument } = call
  const { offset } = argument.cursor
  if (offset % BLOCK !== 0) throw refuse('concurrent_session_invalid_offset')
  if (!argument.close && exchange.length !== null && exchange.length % BLOCK !== 0)
    throw refuse('concurrent_session_invalid_data_size')
  const run = new BlockRun()
  const hash = argument.content_hash === undefined ? null : new ContentHash()
  const writer = await session.blob.write()
  let flips = exchange.take('flip') !== null
  try {
    for await (const chunk of exchange.body()) {
      checkLength(run.bytes + chunk.length, account.limits.requestBytes)
      checkRoom(offset + run.bytes + chunk.length, account.limits.fileBytes, [])
      hash?.update(chunk)
      if (flips) chunk.writeUInt8(chunk.readUInt8(0) ^ 1, 0)
      flips = false
      await writer.write(offset + run.bytes, chunk)
      run.update(chunk)
    }
  } finally {
    await writer.close()
  }
  run.end()
  if (!argument.close && run.bytes % BLOCK !== 0) throw refuse('concurrent_session_invalid_data_size')
  checkHash(hash?.digests().contentHash ?? null, argument.content_hash)
  await exchange.at('before-commit')
  session.board.place(offset, run)
}
