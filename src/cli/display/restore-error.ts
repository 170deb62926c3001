import type { BackupError } from '../../pipeline/errors.ts'
import { redact } from '../../stages/log/redact.ts'
import { facts, joinBlocks, verdict } from './blocks.ts'
import type { Style } from './style.ts'

/** Why archives could not be read or restored, for people. What they back up is not touched by it, and this says so. */
export function restoreErrorText({ code, message, advice }: BackupError, style: Style): string {
  return joinBlocks([
    verdict('bad', redact(message), style),
    facts(
      [
        ['Safe', 'Stored archives were only read; they are as they were.'],
        ['To do', advice === '' ? null : redact(advice)],
        ['Code', code],
      ],
      style,
    ),
  ])
}
