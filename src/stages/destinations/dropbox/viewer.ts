import type { ViewerAccounts } from '../viewer-accounts.ts'
import { folderPath, type DropboxConfig } from './settings.ts'

export const dropboxViewer: ViewerAccounts<DropboxConfig> = {
  names: ['dropbox'],
  rootIsFolder: true,
  read({ dropbox_access_token: written }, common, folder) {
    const token = written.trim()
    const isToken = /^[\x21-\x7e]{1,8192}$/.test(token)
    return {
      config: {
        ...common,
        type: 'dropbox',
        folder: folderPath(folder),
        accessToken: isToken ? token : null,
        refreshToken: null,
        appKey: null,
        appSecret: null,
      },
      secrets: isToken ? [token] : [],
      problem: isToken || token === '' ? null : { code: 'E_AUTH', problem: 'has an invalid dropbox_access_token' },
    }
  },
}
