import { BackupError } from '../../../pipeline/contract/errors.ts'
import { connectCommand, type SignInKind } from '../sign-in-kind.ts'
import type { GoogleDriveConfig } from './settings.ts'

export const googleSignIn: SignInKind<GoogleDriveConfig> = {
  title: 'Google',
  by: ({ oauth, credentialsFile, serviceAccount }) => {
    if (oauth !== null) return oauth.refreshToken === null ? '' : 'refresh token'
    return credentialsFile === null && serviceAccount === undefined ? '' : 'service account'
  },
  isShortLived: () => false,
  renewal({ name, oauth }, lapsesAt) {
    if (oauth === null) {
      return "Check that the service account's key still exists, and that the folder is shared with it."
    }
    const connect = connectCommand(name)
    if (lapsesAt === null) return `Connect it again: ${connect}`
    return `Google ends it after 7 days while the app's consent screen is in testing. Publish the app to keep it, then connect again: ${connect}`
  },
  oauth: {
    /** https://developers.google.com/identity/protocols/oauth2/native-app; desktop clients may use any port. */
    provider: {
      title: 'Google',
      authorizeUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
      tokenUrl: 'https://oauth2.googleapis.com/token',
      redirect: { host: '127.0.0.1', port: null },
      showsCode: false,
      parameters: { access_type: 'offline', prompt: 'consent', scope: 'https://www.googleapis.com/auth/drive.file' },
    },
    client({ name, oauth }, given) {
      if (given !== null) {
        throw new BackupError('E_CONFIG', `--app-key: ${name} is Google Drive; only Dropbox has App keys.`, {
          advice:
            'Leave it out; Google knows your client by oauth.clientId and oauth.clientSecret in the configuration.',
        })
      }
      if (oauth !== null) return { clientId: oauth.clientId, clientSecret: oauth.clientSecret }
      throw new BackupError('E_CONFIG', `${name} has no oauth.clientId and oauth.clientSecret.`, {
        advice:
          'Add those of your OAuth client (a desktop app) to the configuration. A service account needs no connect.',
      })
    },
    token: ({ oauth }) => oauth?.refreshToken ?? null,
    /** Its secret stays in the configuration. */
    accepts: ({ oauth }, clientId) => oauth?.clientId === clientId,
    signedIn: (config, { refreshToken, clientId }) => ({
      ...config,
      oauth: { clientId, clientSecret: config.oauth?.clientSecret ?? '', refreshToken },
    }),
    whyItEnds:
      "because the app's consent screen is in testing. Publish the app in the Google Cloud console, then connect again.",
  },
}
