/**
 * /oauth2/token: access tokens for refresh tokens, and both for a code of the consent page.
 * https://developers.dropbox.com/oauth-guide
 */

import { randomBytes } from 'node:crypto'
import { json, Refusal } from '../answer.ts'
import type { Answer } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import type { Account } from './account.ts'
import { OWNER } from './users.ts'

export async function token(account: Account, exchange: Exchange): Promise<Answer> {
  const fields = new URLSearchParams(await exchange.text())
  // The form and the query string are both read.
  for (const [name, value] of exchange.url.searchParams) if (!fields.has(name)) fields.set(name, value)
  await exchange.at('before-commit')
  checkApp(account, exchange, fields)
  const grant = fields.get('grant_type')
  if (grant === 'authorization_code') return exchangeCode(account, fields)
  if (grant !== 'refresh_token')
    throw fault('unsupported_grant_type', `The given OAuth 2.0 grant_type "${grant ?? ''}" is not supported.`)
  const refreshToken = fields.get('refresh_token') ?? ''
  if (!account.refreshTokens.has(refreshToken)) throw fault('invalid_grant', 'refresh token is invalid or revoked')
  return json(200, grantFor(account, refreshToken))
}

function exchangeCode(account: Account, fields: URLSearchParams): Answer {
  if (!account.consents.redeem(fields)) throw fault('invalid_grant', "code doesn't exist or has expired")
  const refreshToken = randomBytes(24).toString('base64url')
  account.refreshTokens.add(refreshToken)
  return json(200, { ...grantFor(account, refreshToken), refresh_token: refreshToken })
}

function grantFor(account: Account, refreshToken: string): object {
  return {
    access_token: account.tokens.issue({ grant: refreshToken }),
    token_type: 'bearer',
    expires_in: account.tokens.lifetimeSeconds,
    uid: '1',
    account_id: OWNER.account_id,
  }
}

/** The app names itself in the fields or by HTTP Basic; its secret may be left out (PKCE) but not be wrong. */
function checkApp(account: Account, exchange: Exchange, fields: URLSearchParams): void {
  const basic = /^Basic (\S+)$/i.exec(exchange.header('authorization') ?? '')?.[1]
  const [basicKey, basicSecret] = basic === undefined ? [] : Buffer.from(basic, 'base64').toString().split(':')
  const key = basicKey ?? fields.get('client_id')
  const secret = basicSecret ?? fields.get('client_secret')
  if (key !== account.appKey) throw fault('invalid_client_id', 'Invalid client_id')
  if (secret !== null && account.appSecret !== null && secret !== account.appSecret)
    throw fault('invalid_client', 'Invalid client_id or client_secret')
}

function fault(error: string, description: string): Refusal {
  return new Refusal(json(400, { error, error_description: description }))
}
