import { fieldOf, parseBody } from '../../http/answer.ts'
import type { Session } from './session.ts'

/** The handle by which an upload is taken up (`Upload.token`). Without a type it is of a sequential session. */
export function writeToken({ id, path, type }: Session): string {
  return JSON.stringify(type === 'sequential' ? { id, path } : { id, path, type })
}

/** Null when it is no handle, or one of a session of a type that is not known here. */
export function readToken(token: string): Session | null {
  const session = parseBody(token)
  const [id, path] = ['id', 'path'].map((field) => fieldOf(session, field))
  const type = fieldOf(session, 'type') ?? 'sequential'
  if (typeof id !== 'string' || typeof path !== 'string') return null
  return type === 'sequential' || type === 'concurrent' ? { id, path, type } : null
}
