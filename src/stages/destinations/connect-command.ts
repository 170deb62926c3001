/** What a person types to sign in to a destination, for advice. */
export function connectCommand(name: string): string {
  return `dicom-backup accounts connect ${/^[\w.-]+$/.test(name) ? name : `"${name}"`}`
}

/**
 * What to do in place of a Dropbox access token. An account of the viewer's tables has no appKey in the configuration, so
 * that the command names it.
 */
export function insteadOfAccessToken(name: string): string {
  return `A Dropbox access token expires 4 hours after it was made. A sign-in with the App key of your Dropbox app does not: ${connectCommand(name)} --app-key KEY`
}
