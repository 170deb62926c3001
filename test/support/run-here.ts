/** Runs in this process: as many as a table of scenarios needs, with waits that a test can bear. */
import type { Destination } from '../../src/pipeline/contract/destination.ts'
import type { Progress } from '../../src/pipeline/contract/progress.ts'
import { exitOfRun, type ExitCode } from '../../src/cli/exit.ts'
import type { DestinationResult, RunResult } from '../../src/stages/contract/results.ts'
import type { RunOptions } from '../../src/stages/backup/run-options.ts'
import { runBackup } from '../../src/stages/backup/run.ts'
import { withState } from '../../src/cli/command-context.ts'
import { kindOf } from '../../src/stages/destinations/kinds.ts'
import { lateDestination } from '../../src/stages/destinations/late.ts'
import { openDestination } from '../../src/stages/destinations/open.ts'
import { createTransport } from '../../src/stages/http/transport.ts'
import type { Transport } from '../../src/stages/http/types.ts'
import { Line } from '../../src/stages/destinations/line.ts'
import type { Rig } from './rig.ts'
import { takeAsNear } from './take-as-near.ts'

takeAsNear(Line)

/** Of one request alone: any other may take as long as the machine needs. ms. */
export interface Waits {
  readonly stallMs?: number
  readonly answerMs?: number
  readonly type: 'dropbox' | 'google-drive'
  /** Which of the requests that carry bytes of the archive, from 1. */
  readonly nth: number
}

export interface HereOptions {
  readonly mode?: RunOptions['mode']
  readonly only?: readonly string[]
  readonly signal?: AbortSignal
  readonly waits?: Waits
  readonly onProgress?: (progress: Progress) => void
}

export interface Here {
  readonly code: ExitCode
  readonly result: RunResult
  /** What the run told its log. */
  readonly log: readonly string[]
  /** A destination's result. */
  readonly of: (name: string) => DestinationResult
}

/** Runs a backup with the rig's configuration. */
export async function runHere(rig: Pick<Rig, 'configFile'>, options: HereOptions = {}): Promise<Here> {
  const { mode = 'run', only = [], signal = new AbortController().signal, waits, onProgress } = options
  const log: string[] = []
  const note = (fields: object, message: string): void => {
    log.push(`${message} ${JSON.stringify(fields)}`)
  }
  const result = await withState(rig.configFile, ({ config, state }) =>
    runBackup(config, state, {
      trigger: 'manual',
      version: 'test',
      mode,
      only,
      acceptShrunk: false,
      log: { info: note, warn: note },
      onProgress: onProgress ?? (() => undefined),
      signal,
      ...(waits === undefined ? {} : { open: opensWith(waits) }),
    }),
  )
  const of = (name: string): DestinationResult => {
    const found = result.destinations.find((one) => one.name === name)
    if (found === undefined) throw new Error(`The result does not name ${name}.`)
    return found
  }
  return { code: exitOfRun(result.status), result, log, of }
}

function opensWith(waits: Waits): typeof openDestination {
  return (config, endpoints): Destination => {
    const kind = kindOf(config)
    if (config.type !== waits.type || kind === null) return openDestination(config, endpoints)
    const endpoint = endpoints[config.type] ?? ''
    const origins = Object.fromEntries(kind.origins.map((origin) => [origin, endpoint]))
    const { name, type } = config
    return lateDestination({ name, type, traits: kind.traits }, () =>
      kind.open(config, { transport: () => impatient(origins, waits) }),
    )
  }
}

/** A transport whose n-th request with bytes of the archive is given these times, and none of its own. */
function impatient(origins: Record<string, string>, { stallMs, answerMs, nth }: Waits): Transport {
  const usual = createTransport({ origins })
  const short = createTransport({
    origins,
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(answerMs === undefined ? {} : { answerMs }),
  })
  let count = 0
  return {
    fetch: (url, request = {}) => {
      if (!Array.isArray(request.body) || (count += 1) !== nth) return usual.fetch(url, request)
      return short.fetch(url, answerMs === undefined ? request : { ...request, answerMs })
    },
    close: () => {
      usual.close()
      short.close()
    },
  }
}
