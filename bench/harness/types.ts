/** What a benchmark is made of. Sizes are bytes, times ms; NaN is what the system does not say. */

/** One run of one contender, in a process of its own. */
export interface Sample {
  /** The figure that the case is about, in its unit. */
  readonly value: number
  /** Wall time. */
  readonly ms: number
  /** The most memory that its processes had resident at one moment. */
  readonly peakBytes: number
  /** Processor time of its processes, and of those that took what it sent. */
  readonly cpuMs: number
  /** Bytes of what it made; null where it makes nothing. */
  readonly bytesOut: number | null
}

/** The program that is measured, built. */
export interface Build {
  /** Null: the one of this checkout. */
  readonly name: string | null
  /** The path of its main module. */
  readonly program: string
  /** For its configuration and state; no other build's. */
  readonly folder: string
}

/** Where the contenders of a case run. */
export interface Place {
  /** Removed after the case. */
  readonly folder: string
  readonly close?: () => Promise<void>
}

export interface Contender<P extends Place = Place> {
  readonly name: string
  /** What it is, in a line. */
  readonly what: string
  /** Programs it starts, besides Node and our own. */
  readonly needs?: readonly string[]
  /** Once only and without a warm-up, whatever the case's rounds are: it takes too long. */
  readonly once?: boolean
  /** Throws when it did not do all that it should. Peers have no use for the build. */
  run(place: P, build: Build): Promise<Sample>
}

export interface Case<P extends Place = Place> {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly rounds: number
  /** Left out when everything is asked for: minutes long. */
  readonly long?: boolean
  /** Why it cannot be measured on this machine; null when it can. */
  readonly unmeasured?: () => string | null
  /** Fills `folder`. */
  prepare(folder: string): Promise<P>
  /** Called once for each build that is measured, before its first run. */
  setUp?(place: P, build: Build): Promise<void>
  /** Ours; the first is what the case is about. */
  readonly own: readonly Contender<P>[]
  /** What ours is compared with, the machine's limit among them. */
  readonly peers: readonly Contender<P>[]
  readonly goals: readonly Goal[]
}

/** What has to be reached. */
export interface Goal {
  readonly what: string
  /** Computed from the rows of one run; NaN is never reached. */
  readonly reached: (row: (name: string) => Row) => number
  readonly atLeast?: number
  readonly atMost?: number
  /** Why it may be missed, as docs/performance.md explains; without it, a miss fails the benchmark. */
  readonly known?: string
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** All runs of one contender. */
export interface Row {
  readonly name: string
  /** Of this checkout's build. */
  readonly isOwn: boolean
  /** Of another build's row: the one of ours that it is to be compared with. Null for all others. */
  readonly twinOf: string | null
  readonly rounds: number
  readonly value: Spread
  readonly ms: Spread
  readonly cpuMs: Spread
  readonly peakBytes: Spread
  readonly bytesOut: number | null
}

export interface GoalResult {
  readonly what: string
  readonly reached: number
  readonly atLeast?: number
  readonly atMost?: number
  readonly known?: string
  readonly met: boolean
}

/** What `bench/results/<case>.json` and `bench/baseline/<case>.json` hold. NaN is null there. */
export interface CaseResult {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly machine: Machine
  readonly measuredAt: string
  readonly rows: readonly Row[]
  readonly goals: readonly GoalResult[]
  /** Contenders that failed, each with its reason. */
  readonly failures: readonly string[]
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly arch: string
  readonly memoryBytes: number
  readonly system: string
  readonly node: string
}
