import type { Refusal } from './refusal.ts'
import type { Piece } from './session.ts'

/** How a session stands. */
export type Standing =
  | { readonly over: null; readonly held: number }
  /**
   * It takes nothing any more. `held`: the bytes to go on from in case nothing was made of them; null when nothing is
   * left of them.
   */
  | { readonly over: Refusal; readonly held: number | null }

/** The bytes of an upload session, up to its finish: what differs between the two types of session. */
export interface SessionBytes {
  /** Asks Dropbox. */
  standing(signal: AbortSignal): Promise<Standing>
  /** As `Upload.append`. */
  append(piece: Piece, signal: AbortSignal): Promise<number>
  /** Does with the last piece what has to be done before the finish; gives what that has to carry. */
  beforeFinish(piece: Piece, signal: AbortSignal): Promise<Piece | { readonly refusal: Refusal }>
  /** Ends the session, so that it takes no bytes any more; resolves with whether it had ended before. */
  end(signal: AbortSignal): Promise<{ readonly hadEnded: boolean }>
}
