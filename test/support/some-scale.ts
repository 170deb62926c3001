/** A claim about times that relate to each other, such as that a pause which is longer than a limit does not count. */

/** What a machine that is held up keeps in the end. */
const SCALES = [1, 4, 16, 64]

/**
 * Makes good `claim` at one of the scales: it multiplies its times by what it gets. A fault of the program fails it at
 * every scale, a machine that stands still for a moment only at the small ones. Rejects as the last one does.
 */
export async function atSomeScale(claim: (scale: number) => Promise<void>): Promise<void> {
  for (const scale of SCALES) {
    try {
      await claim(scale)
      return
    } catch (error) {
      if (scale === SCALES.at(-1)) throw error
    }
  }
}
