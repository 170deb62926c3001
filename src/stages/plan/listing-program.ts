/** The program of the threads that list folders for a walk (folders-ahead.ts). */
import { parentPort } from 'node:worker_threads'
import { systemCode } from '../../pipeline/contract/errors.ts'
import { listFolder, type Listing, type ListingOptions } from './listing.ts'
import { selectionOf, type Branch, type Patterns } from './selection.ts'

/** What a walk goes by. */
export interface WalkRules extends Patterns {
  readonly root: string
  readonly branches: readonly Branch[]
  /** Paths below the root that are reported and not taken. */
  readonly skip: readonly string[]
}

/** A folder that is to be listed; '' is the root. */
export interface ListRequest {
  readonly folder: string
  readonly rules: WalkRules
}

/** The system's error when the folder cannot be read: its code does not go from thread to thread with an error. */
export interface NotListed {
  readonly code: string
  readonly message: string
}

let last: { readonly key: string; readonly options: ListingOptions } | null = null

/** Patterns are compiled when a walk begins, not for each folder. */
function optionsFor(rules: WalkRules): ListingOptions {
  const key = JSON.stringify(rules)
  if (last?.key !== key) {
    last = {
      key,
      options: { root: rules.root, selection: selectionOf(rules, rules.branches), skip: new Set(rules.skip) },
    }
  }
  return last.options
}

function list({ folder, rules }: ListRequest): Listing | NotListed {
  const options = optionsFor(rules)
  try {
    return listFolder(folder, options)
  } catch (error) {
    const code = systemCode(error)
    if (code === '' || !(error instanceof Error)) throw error
    return { code, message: error.message }
  }
}

parentPort?.on('message', (request: ListRequest) => {
  parentPort?.postMessage(list(request))
})
