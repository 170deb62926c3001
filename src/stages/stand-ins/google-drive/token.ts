/**
 * /token: access tokens for refresh tokens, for codes of the consent page and for service accounts' signed requests
 * (RFC 7523).
 */

import { randomBytes, verify } from 'node:crypto'
import { json, Refusal } from '../answer.ts'
import type { Answer } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import type { Account, Holder } from './account.ts'

const JWT_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const SCOPE = 'https://www.googleapis.com/auth/'
const USER = 'backup@hospital.example'

export async function token(account: Account, exchange: Exchange): Promise<Answer> {
  const fields = new URLSearchParams(await exchange.text())
  await exchange.at('before-commit')
  const grant = fields.get('grant_type')
  if (grant === 'refresh_token') return refresh(account, fields)
  if (grant === 'authorization_code') return exchangeCode(account, fields)
  if (grant === JWT_GRANT) return signedRequest(account, fields.get('assertion') ?? '')
  throw fault('unsupported_grant_type', `Invalid grant_type: ${grant ?? ''}`)
}

function checkClient(account: Account, fields: URLSearchParams): void {
  const { clientId, clientSecret } = account.oauth
  if (fields.get('client_id') !== clientId) throw fault('invalid_client', 'The OAuth client was not found.', 401)
  if (fields.get('client_secret') !== clientSecret) throw fault('invalid_client', 'Unauthorized', 401)
}

function refresh(account: Account, fields: URLSearchParams): Answer {
  checkClient(account, fields)
  const refreshToken = fields.get('refresh_token') ?? ''
  const isGood =
    account.refreshTokens.has(refreshToken) && account.clock() < (account.grantEnds.get(refreshToken) ?? Infinity)
  if (!isGood) throw fault('invalid_grant', 'Token has been expired or revoked.')
  return json(200, { ...issue(account, userHolder(account, refreshToken)), scope: SCOPE + account.scope })
}

function exchangeCode(account: Account, fields: URLSearchParams): Answer {
  checkClient(account, fields)
  if (!account.consents.redeem(fields)) throw fault('invalid_grant', 'Malformed auth code.')
  const refreshToken = `1//${randomBytes(24).toString('base64url')}`
  account.refreshTokens.add(refreshToken)
  const issued = issue(account, userHolder(account, refreshToken))
  const seconds = account.grantLifetimeSeconds
  if (seconds !== null) account.grantEnds.set(refreshToken, account.clock() + seconds * 1000)
  return json(200, {
    ...issued,
    refresh_token: refreshToken,
    ...(seconds === null ? {} : { refresh_token_expires_in: seconds }),
    scope: SCOPE + account.scope,
  })
}

/** What the account's owner may do, by a refresh token or by an access token that was there from the start (null). */
export function userHolder(account: Pick<Account, 'scope'>, grant: string | null): Holder {
  return {
    grant,
    email: USER,
    ownFilesOnly: account.scope === 'drive.file',
    mayOnlyRead: account.scope === 'drive.readonly',
    serviceAccountQuota: null,
  }
}

function signedRequest(account: Account, assertion: string): Answer {
  const [head = '', body = '', signature = ''] = assertion.split('.')
  const claims = decode(body)
  const service = account.serviceAccounts.get(String(claims['iss']))
  if (service === undefined) throw fault('invalid_grant', 'Invalid grant: account not found')
  const signed = Buffer.from(`${head}.${body}`)
  const isSigned =
    decode(head)['alg'] === 'RS256' &&
    verify('RSA-SHA256', signed, service.publicKey, Buffer.from(signature, 'base64url'))
  if (!isSigned) throw fault('invalid_grant', 'Invalid JWT Signature.')
  checkTimes(account, claims)
  if (!String(claims['aud']).endsWith('/token')) throw fault('invalid_grant', 'Invalid JWT: Failed audience check.')
  const scopes = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : []
  if (!scopes.some((scope) => scope.startsWith(`${SCOPE}drive`)))
    throw fault('invalid_scope', 'Invalid OAuth scope or ID token audience provided.')
  const subject = typeof claims['sub'] === 'string' && claims['sub'] !== service.email ? claims['sub'] : null
  const holder: Holder = {
    grant: service.email,
    email: subject ?? service.email,
    ownFilesOnly: !scopes.includes(`${SCOPE}drive`) && !scopes.includes(`${SCOPE}drive.readonly`),
    mayOnlyRead: !scopes.includes(`${SCOPE}drive`) && !scopes.includes(`${SCOPE}drive.file`),
    serviceAccountQuota: subject === null ? service.quotaBytes : null,
  }
  return json(200, issue(account, holder))
}

/** A signed request is good for an hour at most, and clocks may differ by 5 minutes. */
function checkTimes(account: Account, claims: Readonly<Record<string, unknown>>): void {
  const now = account.clock() / 1000
  const from = Number(claims['iat'])
  const until = Number(claims['exp'])
  if (from <= now + 300 && until > now - 300 && until - from <= 3600) return
  throw fault(
    'invalid_grant',
    'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
  )
}

function decode(part: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  } catch {
    throw fault('invalid_grant', 'Invalid JWT: malformed.')
  }
}

function issue(account: Account, holder: Holder): object {
  return {
    access_token: account.tokens.issue(holder),
    expires_in: account.tokens.lifetimeSeconds,
    token_type: 'Bearer',
  }
}

function fault(error: string, description: string, status = 400): Refusal {
  return new Refusal(json(status, { error, error_description: description }))
}
