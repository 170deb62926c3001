/** Lets calls to the file system fail in helper threads too: each counts its own. */
import { syncBuiltinESMExports } from 'node:module'
import threads, { Worker, type WorkerOptions } from 'node:worker_threads'
import type { FaultPlan } from './fault-script.ts'

let plan: FaultPlan | null = null

/** Of the threads that are started from here on; null: none fails. */
export function armThreads(next: FaultPlan | null): void {
  plan = next
}

threads.Worker = class extends Worker {
  constructor(program: string | URL, options: WorkerOptions = {}) {
    if (plan === null) super(program, options)
    else super(program, { ...options, ...faulty(plan) })
  }
}
syncBuiltinESMExports()

const faulty = ({ folders, nth, kind }: FaultPlan): WorkerOptions => ({
  execArgv: ['--import', new URL('fault-files.ts', import.meta.url).href],
  env: { ...process.env, FAULT_FOLDERS: JSON.stringify(folders), FAULT_NTH: String(nth), FAULT_KIND: kind },
})
