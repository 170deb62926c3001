import { stat } from 'node:fs/promises'
import { sourceError, sourceLost } from './source-error.ts'

/** The device that the archive folder is on. Rejects with E_SOURCE when the folder is not there. */
export async function deviceOf(root: string): Promise<bigint> {
  try {
    return (await stat(root, { bigint: true })).dev
  } catch (error) {
    throw sourceError(root, error)
  }
}

/**
 * Rejects with E_SOURCE when the archive folder is no longer there, or no longer on `device`: a drive that was taken away
 * may leave an empty folder in its place, on another device.
 */
export async function mustBeOn(device: bigint, root: string): Promise<void> {
  if ((await deviceOf(root)) !== device) throw sourceLost(root)
}
