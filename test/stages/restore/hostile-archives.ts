/** Archives that mean harm. */
import { MTIME } from '../archive/hand-made-backup.ts'
import { extraField, zipOf } from '../archive/zip-bytes.ts'
import type { RemoteFile } from '../../../src/stages/archive/remote-file.ts'

/** A backup whose one file has 8 EiB / 4096 of zeros: directory and manifest agree on that. */
export function hugeBackup(): RemoteFile {
  const bytes = 2 ** 51
  const size = Buffer.alloc(16)
  size.writeBigUInt64LE(BigInt(bytes), 0)
  size.writeBigUInt64LE(BigInt(bytes), 8)
  const name = 'dicom_files/huge.bin'
  const head = {
    ...{ tool: 'dicom-backup', version: '0', runId: 'r', startedAt: MTIME, writtenAt: MTIME, database: null },
    counts: { files: 1, bytes, skipped: 0, deadBytes: 0 },
  }
  const line = { path: name, size: bytes, mtime: MTIME, sha256: '0'.repeat(64) }
  const content = Buffer.from(`${JSON.stringify(head)}\n${JSON.stringify(line)}\n`)
  const manifest = zipOf([{ name: 'backup-manifest.ndjson', content }])
  const manifestLocal = manifest.subarray(0, manifest.readUInt32LE(manifest.length - 6))
  const manifestAt = 30 + name.length + bytes
  const at = Buffer.alloc(8)
  at.writeBigUInt64LE(BigInt(manifestAt))
  const told = 0xffffffff
  const records = zipOf([
    { name, method: 0, told: { size: told, packed: told }, extra: extraField(1, size), isGhost: true },
    { name: 'backup-manifest.ndjson', content, told: { start: told }, extra: extraField(1, at), isGhost: true },
  ]).subarray(0, -22)
  const directoryAt = manifestAt + manifestLocal.length
  const end = Buffer.alloc(56 + 20 + 22)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(2n, 32)
  end.writeBigUInt64LE(BigInt(records.length), 40)
  end.writeBigUInt64LE(BigInt(directoryAt), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(directoryAt + records.length), 64)
  end.writeUInt32LE(0x06054b50, 76)
  end.fill(0xff, 84, 96)
  const tail = Buffer.concat([manifestLocal, records, end])
  return {
    name: 'huge.zip',
    bytes: manifestAt + tail.length,
    async *read(from, to) {
      const zeros = Buffer.alloc(Math.max(0, Math.min(to, manifestAt) - from))
      yield await Promise.resolve(zeros)
      if (to > manifestAt) yield tail.subarray(Math.max(0, from - manifestAt), to - manifestAt)
    },
  }
}
