import type { Account } from '../../../pipeline/contract/destination.ts'
import { fieldOf } from '../../http/answer.ts'
import type { DropboxApi } from './api.ts'

/** Who is signed in and what still fits. Rejects with E_AUTH or E_DESTINATION. */
export async function readAccount(api: DropboxApi, signal: AbortSignal): Promise<Account> {
  const label = await api.call(
    { send: (client, options) => client.usersGetCurrentAccount(options), read: emailOf },
    signal,
  )
  const space = await api.call({ send: (client, options) => client.usersGetSpaceUsage(options), read: spaceOf }, signal)
  return { label, freeBytes: space.freeBytes }
}

/** The id of the account that is signed in to. */
export async function accountId(api: DropboxApi, signal: AbortSignal): Promise<string> {
  const read = (result: unknown): string | null => {
    const id = fieldOf(result, 'account_id')
    return typeof id === 'string' ? id : null
  }
  return await api.call({ send: (client, options) => client.usersGetCurrentAccount(options), read }, signal)
}

function emailOf(result: unknown): string | null {
  const email = fieldOf(result, 'email')
  return typeof email === 'string' ? email : null
}

/** users.stone, SpaceUsage. A team shares its space; it may limit what one member takes of it. */
function spaceOf(result: unknown): { readonly freeBytes: number | null } | null {
  const used = fieldOf(result, 'used')
  const allocation = fieldOf(result, 'allocation')
  if (typeof used !== 'number' || typeof allocation !== 'object') return null
  const allocated = fieldOf(allocation, 'allocated')
  if (typeof allocated !== 'number') return { freeBytes: null }
  if (fieldOf(allocation, '.tag') !== 'team') return { freeBytes: Math.max(0, allocated - used) }
  const ofTeam = allocated - numberOf(allocation, 'used')
  const limit = numberOf(allocation, 'user_within_team_space_allocated')
  const stops = fieldOf(fieldOf(allocation, 'user_within_team_space_limit_type'), '.tag') === 'stop_sync'
  const ofMember = limit - numberOf(allocation, 'user_within_team_space_used_cached')
  return { freeBytes: Math.max(0, limit > 0 && stops ? Math.min(ofTeam, ofMember) : ofTeam) }
}

function numberOf(value: unknown, name: string): number {
  const field = fieldOf(value, name)
  return typeof field === 'number' ? field : 0
}
