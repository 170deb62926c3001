import { BackupError } from '../../pipeline/contract/errors.ts'

/** One thing that is wrong (or, as a warning, unwise) in the configuration file. Never holds a secret's value. */
export interface Fault {
  /** Key path, 'destinations[1].chunkSize'; '' when the file as a whole, or its YAML, is meant. */
  readonly key: string
  /** Counted from 1. A missing key is reported at the section it belongs to. */
  readonly line: number
  readonly column: number
  /** What was found and what would be right. */
  readonly message: string
}

/** E_CONFIG with every fault of the file, in the file's order. */
export class ConfigError extends BackupError {
  readonly file: string
  readonly faults: readonly Fault[]

  constructor(file: string, faults: readonly Fault[]) {
    super('E_CONFIG', `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in ${file}`, {
      advice: 'Fix the problems above; docs/configuration.md explains every key.',
    })
    this.file = file
    this.faults = faults
  }
}

export type Path = readonly (string | number)[]

/** 'destinations[1].chunkSize' */
export function keyText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}
