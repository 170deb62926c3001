import type { Case } from '../harness/types.ts'
import { restoreDeflated, restoreSmall, restoreStored } from './restore.ts'
import { auto, large, mixed, small, stored } from './throughput.ts'

export const CASES: readonly Case[] = [stored, auto, mixed, large, small, restoreStored, restoreDeflated, restoreSmall]
