import type { BackupError } from '../../pipeline/contract/errors.ts'
import { facts, joinBlocks, verdict } from './blocks.ts'
import type { Style } from './style.ts'

/** Why archives could not be read or restored, for people. The archives themselves are never changed by it, and this says so. */
export function restoreErrorText({ code, message, advice }: BackupError, style: Style): string {
  return joinBlocks([
    verdict('bad', message, style),
    facts(
      [
        ['Safe', 'The stored archives were only read.'],
        ['To do', advice === '' ? null : advice],
        ['Code', code],
      ],
      style,
    ),
  ])
}
