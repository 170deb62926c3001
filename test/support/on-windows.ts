/** For the `skip` of a test of what Windows does not have: the reason there, elsewhere false. */
export const notOnWindows = (reason: string): string | false =>
  process.platform === 'win32' && `not on Windows: ${reason}`

/** A file's name, as far as Windows takes it: characters that no name can have there are others there. */
export const nameHere = (name: string): string =>
  process.platform === 'win32' ? name.replace(/[\x00-\x1f"\\:*?<>|]/g, '_') : name
