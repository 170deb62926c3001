import type { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Level, Logger, LoggerOptions } from 'pino'
import type { Config } from '../config/types.ts'
import { onRequests } from '../http/request-line.ts'
import { wordsOf } from './error-report.ts'
import { openFileSink } from './file-sink.ts'
import { tellPeople } from './people.ts'
import { plainRecord, redactRecord } from './record.ts'
import { addSecrets } from '../text/redact.ts'
import { inJson } from './visible.ts'

export interface Log {
  readonly logger: Logger
  /** Returns when the log is on disk; `logger` is not used after it. Never throws. */
  close(): void
}

/**
 * Opens the log: JSON lines of `config.level` and above in `config.file`, and warnings and errors, whatever the level,
 * as readable lines on `people`; with `verbose` every line from debug up. No line holds one of `secrets`, nor anything else that `redact` knows. Never throws: a
 * file that cannot be written is reported once to people.
 */
export function openLog(config: Config['log'], secrets: readonly string[], people: Writable, verbose = false): Log {
  addSecrets(secrets)
  const failed = (message: string): void => {
    tellPeople(people, { level: 'warn', msg: message })
  }
  const file =
    config.level === 'silent'
      ? null
      : openFileSink(config.file, { maxBytes: config.maxSize, keep: config.keep }, failed)
  const lowest = rank(config.level)
  const shown: Level = verbose ? 'debug' : 'warn'

  const write = (line: string): void => {
    const record = redactRecord(line)
    const level = rank(record['level'] as Level)
    if (level >= lowest) file?.write(`${inJson(JSON.stringify(record))}\n`)
    if (level >= rank(shown)) tellPeople(people, record)
  }
  const options: LoggerOptions = {
    level: lowest < rank(shown) ? config.level : shown,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (record: object) => plainRecord(record) as Record<string, unknown>,
    },
    hooks: {
      // For an error alone pino takes its message as it is.
      logMethod(args, method) {
        const [error]: readonly unknown[] = args
        method.apply(this, error instanceof Error && args.length === 1 ? [{ err: error }, wordsOf(error)] : args)
      },
    },
    serializers: { err: (report: unknown) => report },
  }
  const logger = pino(options, { write })
  const stopListening = logger.isLevelEnabled('debug')
    ? onRequests((line) => {
        logger.debug(line, 'request')
      })
    : () => undefined
  return {
    logger,
    close() {
      stopListening()
      file?.close()
    },
  }
}

function rank(level: Config['log']['level']): number {
  return level === 'silent' ? Infinity : (pino.levels.values[level] ?? Infinity)
}
