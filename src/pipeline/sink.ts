import { lengthOf } from './chunks.ts'
import type { Destination, ObjectDigests, StoredObject, Upload } from './destination.ts'
import { BackupError } from './errors.ts'
import type { DestinationProgress } from './progress.ts'
import type { Branch } from './window.ts'

/** What only the end of the source tells. */
export interface WholeObject {
  readonly bytes: number
  readonly digests: ObjectDigests
}

export interface SinkInput {
  readonly destination: Destination
  readonly object: string
  readonly branch: Branch
  /** Resolves when the source has ended. */
  readonly whole: Promise<WholeObject>
  readonly progress: DestinationProgress
  /** Called when the upload has been opened. */
  readonly onBegun: () => void
  readonly signal: AbortSignal
}

/**
 * Carries one branch of the window to one destination: begin, append until the last stretch, commit. Resolves when the
 * destination has proved by its own digest that it holds the object. Whatever goes wrong, the upload is aborted, so
 * nothing shows under the object's name, and the branch leaves the window, so the others go on.
 */
export async function sink(input: SinkInput): Promise<StoredObject> {
  const { destination, branch, progress, signal } = input
  let upload: Upload | null = null
  try {
    upload = await destination.begin(input.object, signal)
    input.onBegun()
    const stored = await send(upload, input)
    branch.leave()
    progress.state = 'completed'
    progress.held = stored.bytes
    return stored
  } catch (error) {
    branch.leave()
    progress.state = 'failed'
    await upload?.abort()
    throw error
  }
}

async function send(
  upload: Upload,
  { destination, branch, whole, progress, signal }: SinkInput,
): Promise<StoredObject> {
  progress.state = 'sending'
  for (;;) {
    const stretch = await branch.take(destination.traits.requestBytes(branch.offset), signal)
    const length = lengthOf(stretch.chunks)
    const limit = destination.traits.maxObjectBytes
    if (limit !== null && stretch.offset + length > limit) throw tooLarge(destination.name, limit)
    if (stretch.last) {
      const { bytes, digests } = await whole
      progress.state = 'verifying'
      return await upload.commit({ offset: stretch.offset, tail: stretch.chunks, bytes, digests }, signal)
    }
    const held = await upload.append(stretch.offset, stretch.chunks, signal)
    progress.state = 'sending'
    progress.held = held
    branch.release(held)
  }
}

const tooLarge = (name: string, limit: number): BackupError =>
  new BackupError('E_QUOTA', `${name}: the archive is larger than the ${limit} bytes that a file may have there.`, {
    advice: 'Back up to another kind of destination, or leave files out with dicom.exclude.',
  })
