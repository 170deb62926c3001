import type { Case } from '../harness/types.ts'
import { bytes, bytesTwenty, files, filesMillion } from './growth.ts'
import { line, slowDestination } from './lines.ts'
import { restoreDeflated, restoreSmall, restoreStored } from './restore.ts'
import { resume } from './resume.ts'
import { startUp } from './start-up.ts'
import { auto, large, mixed, small, stored } from './throughput.ts'
import { dryRun, plan, planMillion } from './walk.ts'

export const CASES: readonly Case[] = [
  stored,
  auto,
  mixed,
  large,
  small,
  slowDestination,
  line,
  resume,
  files,
  bytes,
  dryRun,
  plan,
  startUp,
  restoreStored,
  restoreDeflated,
  restoreSmall,
  filesMillion,
  bytesTwenty,
  planMillion,
]
