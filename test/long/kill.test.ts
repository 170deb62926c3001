import { test } from 'node:test'
import { killSuite } from '../support/kill-suite.ts'

test('an archive whose run was killed at 200 random moments is whole and the same everywhere', (t) =>
  killSuite(t, import.meta.filename, 200))
