/** users/get_space_usage and users/get_current_account. */

import { json } from '../answer.ts'
import type { Answer } from '../answer.ts'
import type { Account } from './account.ts'

export const OWNER = {
  account_id: 'dbid:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  email: 'backup@hospital.example',
} as const

export function spaceUsage(account: Account): Answer {
  const used = account.tree.usedBytes()
  const allocated = account.quotaBytes
  if (allocated === null) return json(200, { used, allocation: { '.tag': 'other' } })
  if (!account.team) return json(200, { used, allocation: { '.tag': 'individual', allocated } })
  return json(200, {
    used,
    allocation: {
      '.tag': 'team',
      used,
      allocated,
      user_within_team_space_allocated: 0,
      user_within_team_space_limit_type: { '.tag': 'off' },
      user_within_team_space_used_cached: used,
    },
  })
}

export function currentAccount(): Answer {
  return json(200, {
    ...OWNER,
    name: {
      given_name: 'Backup',
      surname: 'Account',
      familiar_name: 'Backup',
      display_name: 'Backup Account',
      abbreviated_name: 'BA',
    },
    email_verified: true,
    disabled: false,
    country: 'DE',
    locale: 'en',
    is_paired: false,
    account_type: { '.tag': 'business' },
    root_info: { '.tag': 'user', root_namespace_id: '1', home_namespace_id: '1' },
  })
}
