import type { DatabaseConfig } from '../config/types.ts'
import { withDatabase } from './connect.ts'

const ASK_MS = 15_000
/** Connections that are named. */
const NAMED = 5

/**
 * What connections of the database are waiting for, and which others may hold it up, for people; '' when nothing can be
 * seen. Names accounts, states and times, never a statement: those hold patients' data. Never rejects.
 */
export async function waitingFor(database: DatabaseConfig): Promise<string> {
  try {
    return await withDatabase(database, AbortSignal.timeout(ASK_MS), async (query) => {
      const own = (await query(WAITING)).map(
        ({ id, user, seconds, state }) => `connection ${id} of ${user}: ${state}, for ${seconds} s`,
      )
      const open = (await query(SESSIONS)).map(
        ({ id, user, seconds }) => `connection ${id} of ${user}, for ${seconds} s`,
      )
      const waiting = own.length === 0 ? '' : `The server shows ${own.join('; ')}.`
      const others = open.length === 0 ? '' : `Open and idle, so that one may hold the lock: ${open.join('; ')}.`
      return [waiting, others].filter((text) => text !== '').join(' ')
    })
  } catch {
    return ''
  }
}

const WAITING = `
  SELECT id, user, time AS seconds, state FROM information_schema.processlist
  WHERE db = DATABASE() AND id <> CONNECTION_ID() AND command IN ('Query', 'Execute') AND state <> ''
  ORDER BY time DESC LIMIT ${NAMED}`

/** One of these may hold a lock: by LOCK TABLES, or in a transaction. Without PROCESS only the account's own are shown. */
const SESSIONS = `
  SELECT id, user, time AS seconds FROM information_schema.processlist
  WHERE db = DATABASE() AND id <> CONNECTION_ID() AND command = 'Sleep' ORDER BY time DESC LIMIT ${NAMED}`
