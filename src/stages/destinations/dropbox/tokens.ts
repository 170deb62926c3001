import { BackupError } from '../../../pipeline/contract/errors.ts'
import { connectCommand } from '../sign-in-kind.ts'
import type { DropboxConfig } from './settings.ts'
import { fieldOf, readAnswer } from '../../http/answer.ts'
import type { Transport } from '../../http/types.ts'
import { waitFor } from '../../../pipeline/flow/wait-for.ts'
import { dropboxError, unreadable } from './errors.ts'
import type { Caller } from './errors.ts'
import { refusalOf } from './refusal.ts'

const TOKEN_URL = 'https://api.dropboxapi.com/oauth2/token'

/** Access tokens, renewed before they lapse. Calls that come at once share one renewal. */
export interface Tokens {
  /** Rejects with E_AUTH (`stop`), E_DESTINATION (`retry`), or a TransportError. */
  current(signal: AbortSignal): Promise<string>
  /**
   * Another token than `refused`, which a call was answered 401 for; null when there is no refresh token. Rejects
   * likewise.
   */
  renewed(refused: string, signal: AbortSignal): Promise<string | null>
}

interface AccessToken {
  readonly value: string
  /** By performance.now(), which no change of the clock moves. Infinity when it is not known. */
  readonly renewAt: number
}

export function isRenewable({ refreshToken, appKey }: DropboxConfig): boolean {
  return refreshToken !== null && appKey !== null
}

export function dropboxTokens(config: DropboxConfig, caller: Caller, transport: Transport): Tokens {
  const { accessToken, refreshToken, appKey, appSecret } = config
  let token: AccessToken | null = accessToken === null ? null : { value: accessToken, renewAt: Infinity }
  let renewal: Promise<AccessToken> | null = null

  /**
   * https://www.dropbox.com/developers/documentation/http/documentation#oauth2-token; in a form, never in the address.
   */
  const request = async (): Promise<AccessToken> => {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken ?? '',
      client_id: appKey ?? '',
    })
    if (appSecret !== null) form.set('client_secret', appSecret)
    const answer = await readAnswer(await transport.fetch(TOKEN_URL, { method: 'POST', body: form }))
    if (answer.status !== 200) throw dropboxError(refusalOf(answer), caller)
    const value = fieldOf(answer.body, 'access_token')
    const seconds = fieldOf(answer.body, 'expires_in')
    if (typeof value !== 'string') throw unreadable(caller, 'retry')
    // A tenth of its life early, so that no long append starts with a token about to lapse.
    return { value, renewAt: typeof seconds === 'number' ? performance.now() + seconds * 900 : Infinity }
  }

  const renew = async (signal: AbortSignal): Promise<string> => {
    renewal ??= request().then(
      (made) => {
        renewal = null
        token = made
        return made
      },
      (error: unknown) => {
        renewal = null
        throw error
      },
    )
    return (await waitFor(renewal, signal)).value
  }

  return {
    async current(signal) {
      if (token !== null && performance.now() < token.renewAt) return token.value
      if (isRenewable(config)) return await renew(signal)
      throw new BackupError('E_AUTH', `${caller.name}: there is no sign-in to Dropbox yet.`, {
        advice: `Connect it: ${connectCommand(caller.name)}`,
      })
    },
    async renewed(refused, signal) {
      if (!isRenewable(config)) return null
      return token !== null && token.value !== refused ? token.value : await renew(signal)
    },
  }
}
