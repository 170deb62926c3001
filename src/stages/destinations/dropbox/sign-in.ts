import { BackupError } from '../../../pipeline/contract/errors.ts'
import { connectCommand, type SignInKind } from '../sign-in-kind.ts'
import type { DropboxConfig } from './settings.ts'

export const dropboxSignIn: SignInKind<DropboxConfig> = {
  title: 'Dropbox',
  by: ({ accessToken, refreshToken }) => {
    if (refreshToken !== null) return 'refresh token'
    return accessToken === null ? '' : 'access token'
  },
  /** Those that never lapse are of before 2021 and look otherwise. https://developers.dropbox.com/oauth-guide */
  isShortLived: ({ accessToken }) => accessToken?.startsWith('sl.') === true,
  renewal: ({ name, accessToken }) =>
    accessToken === null ? `Connect it again: ${connectCommand(name)}` : insteadOfAccessToken(name),
  oauth: {
    /** https://developers.dropbox.com/oauth-guide; a redirect address has to be registered to the letter, port and all. */
    provider: {
      title: 'Dropbox',
      authorizeUrl: 'https://www.dropbox.com/oauth2/authorize',
      tokenUrl: 'https://api.dropboxapi.com/oauth2/token',
      redirect: { host: 'localhost', port: 53_682 },
      showsCode: true,
      parameters: { token_access_type: 'offline' },
    },
    client({ name, appKey }, given) {
      if (given !== null && appKey !== null && given !== appKey) {
        throw new BackupError('E_CONFIG', `--app-key: ${name} has another appKey in the configuration.`, {
          advice: 'Leave --app-key out, or change the one in the configuration.',
        })
      }
      const clientId = given ?? appKey
      if (clientId !== null) return { clientId, clientSecret: null }
      throw new BackupError('E_CONFIG', `${name} has no appKey.`, {
        advice: 'Add the App key of your Dropbox app to the configuration as appKey, or pass --app-key.',
      })
    },
    token: ({ accessToken, refreshToken }) => accessToken ?? refreshToken,
    accepts: ({ appKey }, clientId) => appKey === null || appKey === clientId,
    signedIn: (config, { refreshToken, clientId }) => ({
      ...config,
      accessToken: null,
      refreshToken,
      appKey: clientId,
      appSecret: null,
    }),
    whyItEnds: null,
  },
}

/**
 * What to do in place of a Dropbox access token. An account of the viewer's tables has no appKey in the configuration, so
 * that the command names it.
 */
export function insteadOfAccessToken(name: string): string {
  return `A Dropbox access token expires 4 hours after it was made. A sign-in with the App key of your Dropbox app does not: ${connectCommand(name)} --app-key KEY`
}
