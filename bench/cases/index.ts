import type { Case } from '../harness/types.ts'
import { bytes, bytesTwenty, files, filesMillion } from './growth.ts'
import { line, slowDestination } from './lines.ts'
import { restoreDeflated, restoreSmall, restoreStored } from './restore.ts'
import { dryRun, plan, planMillion, startUp } from './short.ts'
import { auto, large, mixed, small, stored } from './throughput.ts'

export const CASES: readonly Case[] = [
  stored,
  auto,
  mixed,
  large,
  small,
  slowDestination,
  line,
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
