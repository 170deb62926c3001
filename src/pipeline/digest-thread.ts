import type { DigestState } from './archive-digest.ts'
import type { DigestRequest, PartDigest } from './digest-program.ts'
import type { DigestName, ObjectDigests } from './digests.ts'
import { HelperThread, programBeside } from './helper-thread.ts'

const thread = new HelperThread(programBeside(import.meta, './digest-program'))
let count = 0

/** An archive's digests (`ArchiveDigest`), made beside the main thread: MD5 alone, where it is needed, would take half of it. */
export class DigestThread {
  readonly #id = (count += 1)

  /** As `ArchiveDigest.open`. */
  static async open(from: readonly DigestName[] | DigestState): Promise<DigestThread> {
    const digest = new DigestThread()
    await thread.ask({ id: digest.#id, is: 'open', from } satisfies DigestRequest)
    return digest
  }

  /** Takes the next part. Its bytes are not to change until this resolves; they are not copied if they are shared. */
  add(part: Uint8Array): Promise<PartDigest> {
    return thread.ask({ id: this.#id, is: 'add', part } satisfies DigestRequest)
  }

  /** The digests of all that was added. Nothing can be added after it. Has to be called in any case. */
  end(): Promise<ObjectDigests> {
    return thread.ask({ id: this.#id, is: 'end' } satisfies DigestRequest)
  }
}
