/** A folder at a cloud service as people write it, as names with '/' between them, '' for the root; null when it is none. */
export function remoteFolderOf(written: string): string | null {
  const parts = written
    .split('/')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const isFolder = parts.every(
    (part) => !part.includes('\\') && part !== '.' && part !== '..' && part.length <= 255 && /^\P{Cc}*$/u.test(part),
  )
  return isFolder ? parts.join('/') : null
}
