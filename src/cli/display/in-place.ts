import { createRequire } from 'node:module'
import type { createLogUpdate } from 'log-update'

type InPlace = ReturnType<typeof createLogUpdate>

/**
 * What draws lines of a terminal again in their place (npm `log-update`). The package is loaded here, by the first
 * terminal that needs it: that takes longer than all else of a command's start that has none, as the scheduler's.
 */
export function drawnInPlace(...options: Parameters<typeof createLogUpdate>): InPlace {
  const load = createRequire(import.meta.url)
  return (load('log-update') as typeof import('log-update')).createLogUpdate(...options)
}
