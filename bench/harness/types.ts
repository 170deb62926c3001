/** What a benchmark is made of. Sizes are bytes, times ms. */

/** One run of one contender, in a process of its own. */
export interface Sample {
  /** The figure that the case is about, in its unit. */
  readonly value: number
  /** Wall time. */
  readonly ms: number
  /** The most memory that its processes had resident at once; null where that is not told. */
  readonly peakBytes: number | null
  /** CPU time of its processes, and of those that took what it sent. */
  readonly cpuMs: number
  /** Bytes of what it made; null where it makes nothing. */
  readonly bytesOut: number | null
}

export interface Contender {
  readonly name: string
  /** What it is, in a line. */
  readonly what: string
  /** Once only, whatever the case's rounds are: it takes too long. */
  readonly once?: boolean
  run(): Promise<Sample>
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** All runs of one contender. */
export interface Row {
  readonly name: string
  readonly rounds: number
  readonly value: Spread
  readonly ms: Spread
  readonly peakBytes: number | null
  /** CPU time divided by wall time: how many cores were at work. */
  readonly cores: number
  readonly bytesOut: number | null
}

/** What has to be reached, and what was. */
export interface Goal {
  readonly what: string
  /** Computed from the rows of one run. */
  readonly reached: (row: (name: string) => Row) => number
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Prepared {
  /** The first is ours; the others are peers and the limit. */
  readonly contenders: readonly Contender[]
  readonly goals: readonly Goal[]
  readonly close?: () => Promise<void>
}

export interface Case {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly rounds: number
  /** Left out when everything is asked for: minutes long. */
  readonly long?: boolean
  /** Fills `folder`, which is removed after the case, and says what is to be run. */
  prepare(folder: string): Promise<Prepared>
}

export interface GoalResult {
  readonly what: string
  readonly reached: number
  readonly atLeast?: number
  readonly atMost?: number
  readonly met: boolean
}

/** What `bench/results/<case>.json` holds. */
export interface CaseResult {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly machine: Machine
  readonly measuredAt: string
  readonly rows: readonly Row[]
  readonly goals: readonly GoalResult[]
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
  readonly node: string
}
