import type { VerifyCheck, VerifyResult } from '../../stages/contract/results.ts'
import { facts, heading, items, joinBlocks, paragraph, verdict, warnings, type Mark } from './blocks.ts'
import type { Style } from './style.ts'

const METHODS: Readonly<Record<VerifyCheck['method'], string>> = {
  'provider-hash': "the service's own hash",
  'read-back': 'read back and hashed',
  deep: 'every entry read',
  'restore-test': 'dump loaded into a database',
}

/** A verification's result for people. Names no entry of the archive, for their names may hold patients'. */
export function verifySummary(result: VerifyResult, style: Style): string {
  const { archive, checks } = result
  const [mark, title] = titleOf(result)
  const list = checks.map((check) => ({
    mark: markOf(check),
    name: check.destination,
    details: [check.detail, METHODS[check.method]],
  }))
  return joinBlocks([
    verdict(mark, title, style),
    facts([['Archive', archive]], style),
    items(list, style),
    warnings(
      checks.flatMap(({ warnings: all = [] }) => all),
      style,
    ),
    next(result, style),
  ])
}

function titleOf({ ok, checks }: VerifyResult): readonly [Mark, string] {
  if (ok) return ['ok', 'The archive is intact']
  const bad = checks.filter((check) => markOf(check) === 'bad').length
  if (bad > 0) return ['bad', `The archive is damaged: ${bad} of ${checks.length} checks failed`]
  return ['look', 'Not everything could be checked']
}

function markOf({ ok, checked }: VerifyCheck): Mark {
  if (ok) return 'ok'
  return checked ? 'bad' : 'look'
}

function next({ ok, archive, checks }: VerifyResult, style: Style): string[] {
  if (ok) return []
  const steps: string[] = []
  const good = checks.find((check) => check.ok)
  if (checks.some((check) => markOf(check) === 'bad')) {
    steps.push(
      good === undefined
        ? 'Make a new backup now: "dicom-backup run".'
        : `The copy at ${good.destination} is intact: restore it with --from ${good.destination}. "dicom-backup run" makes a new backup everywhere.`,
    )
  } else {
    steps.push(
      '"dicom-backup verify --deep" reads every entry; "dicom-backup doctor" checks the destinations and says how to fix them.',
    )
  }
  if (checks.some(({ damaged }) => damaged !== undefined)) {
    steps.push(`"dicom-backup verify ${archive} --deep --json" names the damaged entries.`)
  }
  return [heading('Next', style), ...steps.flatMap((step) => paragraph(step, style))]
}
