/** Loaded before the program's sources (`node --import`): they have one kind of destination more. */
import { withKind } from '../../src/stages/destinations/kinds.ts'
import { shelf } from './shelf-kind.ts'

void withKind(shelf, () => Promise.withResolvers<never>().promise)
