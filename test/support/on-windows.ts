/** For the `skip` of a test of what Windows does not have: the reason there, elsewhere false. */
export const notOnWindows = (reason: string): string | false =>
  process.platform === 'win32' && `not on Windows: ${reason}`
