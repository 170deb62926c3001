/** `node archiver-zip.ts ROOT LEVEL URL URL`: npm archiver, as its README shows it, piped into two uploads. */
import { ZipArchive } from 'archiver'
import { openUploads } from './to-sinks.ts'

const [root = '', level = '', ...urls] = process.argv.slice(2)
const archive = new ZipArchive(level === '0' ? { store: true } : { zlib: { level: Number(level) } })
const { bodies, done } = openUploads(urls)
for (const body of bodies) archive.pipe(body)
archive.directory(root, false)
await Promise.all([archive.finalize(), done])
