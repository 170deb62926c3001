/** What DCMTK's dcmdump reads: another implementation to hold ours against. */
import { execFileSync } from 'node:child_process'
import { needProgram } from '../../support/needed-programs.ts'
import type { DicomHeader } from '../../../src/stages/dicom/types.ts'

export type Ids = Pick<DicomHeader, 'modality' | 'patientId' | 'studyUid' | 'seriesUid' | 'sopUid'>

const TAGS = {
  modality: '0008,0060',
  patientId: '0010,0020',
  studyUid: '0020,000d',
  seriesUid: '0020,000e',
  sopUid: '0008,0018',
} as const
const NAMES = Object.entries(TAGS) as readonly (readonly [keyof Ids, string])[]

/** Of each file; null of those that it cannot read. Ids in sequences are not the file's own. */
export function dcmdump(files: readonly string[]): Map<string, Ids | null> {
  const tags = NAMES.flatMap(([, tag]) => ['+P', tag])
  // One that it cannot read makes it end with 1, after the others.
  const script = '"$0" "$@" 2>&1 || true'
  const words = [needProgram('dcmdump'), '+p', '+F', '+L', ...tags, ...files]
  const output = execFileSync(needProgram('sh'), ['-c', script, ...words], {
    maxBuffer: 64 << 20,
  })
  const found = new Map<string, Ids | null>()
  for (const block of output
    .toString('latin1')
    .split(/^# dcmdump \(\d+\/\d+\): /m)
    .slice(1)) {
    const [name = '', ...lines] = block.split('\n')
    const value = (tag: string): string | null => {
      const line = lines.find((one) => one.startsWith(`(${tag}) `)) ?? ''
      return (
        textIn(line)
          .replace(/[\0 ]+$/, '')
          .trim() || null
      )
    }
    const failed = lines.some((line) => line.startsWith('E: '))
    const ids = Object.fromEntries(NAMES.map(([name, tag]) => [name, value(tag)])) as unknown as Ids
    found.set(Buffer.from(name, 'latin1').toString(), failed ? null : ids)
  }
  return found
}

/** A value of UN is shown as bytes. */
function textIn(line: string): string {
  const text = /\[(.*)\] +#/.exec(line)?.[1]
  const bytes = /^\S+ UN ((?:[0-9a-f]{2}\\?)+) +#/.exec(line)?.[1] ?? ''
  return text ?? Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('latin1')
}
