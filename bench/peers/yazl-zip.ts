/** `node yazl-zip.ts ROOT LEVEL URL URL`: plain yazl, as its README shows it, piped into two uploads. */
import path from 'node:path'
import yazl from 'yazl'
import { filesBelow } from './files.ts'
import { openUploads } from './to-sinks.ts'

const [root = '', level = '', ...urls] = process.argv.slice(2)
const zip = new yazl.ZipFile()
const { bodies, done } = openUploads(urls)
for (const body of bodies) zip.outputStream.pipe(body)
for (const file of filesBelow(root)) {
  zip.addFile(file, path.relative(root, file), { compress: level !== '0', compressionLevel: Number(level) })
}
zip.end()
await done
