import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const ORIGINALS = 1000

/** What the n-th of `manyFiles` holds. */
export const contentOf = (n: number, bytes: number): Buffer => Buffer.alloc(bytes, `${n % ORIGINALS} `)

/** The n-th of `manyFiles`, below their folder. */
export const nameOf = (n: number): string => `${String(Math.floor(n / 100)).padStart(6, '0')}/${n}.dcm`

/**
 * `count` files of `bytes` each, a hundred to a folder. All but the first thousand are links to those: a disk takes a
 * minute to make room for 100,000 files of their own, and to a backup these are files like any other.
 */
export function manyFiles(root: string, count: number, bytes: number): void {
  for (let n = 0; n < count; n += 1) {
    const file = path.join(root, nameOf(n))
    if (n % 100 === 0) mkdirSync(path.dirname(file), { recursive: true })
    if (n < ORIGINALS) writeFileSync(file, contentOf(n, bytes))
    else linkSync(path.join(root, nameOf(n % ORIGINALS)), file)
  }
}
