import { mkdir, open, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** `count` files of `bytes` each, a hundred to a folder, none like another. */
export async function manySmallFiles(root: string, count: number, bytes: number): Promise<void> {
  const content = Buffer.alloc(bytes)
  for (let n = 0; n < count; n += 1) {
    const folder = path.join(root, String(Math.floor(n / 100)).padStart(6, '0'))
    if (n % 100 === 0) await mkdir(folder, { recursive: true })
    content.writeUInt32LE(n, 0)
    await writeFile(path.join(folder, `${n}.dcm`), content)
  }
}

/** One file of `bytes`, of which the blocks repeat but do not deflate. */
export async function oneLargeFile(root: string, bytes: number): Promise<void> {
  await mkdir(root, { recursive: true })
  const block = crypto.getRandomValues(new Uint8Array(65_536))
  const piece = Buffer.concat(Array.from({ length: 64 }, () => block))
  const file = await open(path.join(root, 'multiframe.dcm'), 'w')
  try {
    for (let at = 0; at < bytes; at += piece.length) await file.write(piece, 0, Math.min(piece.length, bytes - at))
  } finally {
    await file.close()
  }
}
