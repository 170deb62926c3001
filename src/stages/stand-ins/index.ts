/**
 * Local stand-ins for Dropbox and Google Drive: real HTTP servers for tests, benchmarks and the `demo` command. They
 * hold what they are sent in files (or only hash and count it), answer as the services do, and fail as a script says:
 *
 *     const dropbox = await startDropboxStandIn({ storage: { folder }, refreshTokens: ['token'] })
 *     dropbox.faults.add({ route: 'append', nth: 3, fault: { kind: 'cut', afterBytes: 1000, keep: 'some' } })
 *     …                              // point `endpoints.dropbox` at dropbox.origin and run
 *     dropbox.requests.latest('append'); dropbox.objects(); dropbox.faults.unused()
 *     await dropbox.close()
 *
 * A client may name the host it means in X-Forwarded-Host; a route that is not that host's is then refused. Routes are
 * listed at `startDropboxStandIn` and `startDriveStandIn`, faults in faults.ts; ready-made answers of a service, for
 * faults of kind 'answer', are in `dropboxAnswers` and `driveAnswers`.
 */

export { startDropboxStandIn } from './dropbox/stand-in.ts'
export type { DropboxStandIn, DropboxStandInOptions } from './dropbox/stand-in.ts'
export * as dropboxAnswers from './dropbox/errors.ts'
export { startDriveStandIn } from './google-drive/stand-in.ts'
export type { DriveStandIn, DriveStandInOptions } from './google-drive/stand-in.ts'
export * as driveAnswers from './google-drive/errors.ts'
export { empty, html, json, text } from './answer.ts'
export type { Answer } from './answer.ts'
export type { Fault, FaultRow, Keep, Point } from './faults.ts'
export type { RequestRecord } from './request-log.ts'
export type { StandIn, StandInObject } from './types.ts'
