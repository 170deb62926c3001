/** A small archive to three destinations, in many requests: for what is tried at each step of a run. */
import type { TestContext } from 'node:test'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { makeRig, SECRETS, type Rig, type Settings } from './rig.ts'
import type { Seeded } from './seed.ts'
import { Sources } from './source-changes.ts'
import { namesAtNas } from './traffic.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Bytes of a request to each destination. */
export interface RequestBytes {
  readonly dropbox: number
  readonly drive: number
  readonly nas: number
}

/** The rig's destinations with requests of these sizes. */
export function requestsOf(bytes: RequestBytes): Settings {
  return {
    destinations: [
      {
        name: 'hospital-dropbox',
        type: 'dropbox',
        folder: '/DICOM_Backups',
        accessToken: SECRETS.dropboxToken,
        chunkSize: bytes.dropbox,
      },
      {
        name: 'hospital-drive',
        type: 'google-drive',
        folder: 'DICOM_Backups',
        oauth: { clientId: 'client-id', clientSecret: SECRETS.clientSecret, refreshToken: SECRETS.refreshToken },
        chunkSize: bytes.drive,
      },
      { name: 'nas', type: 'local', folder: 'nas', chunkSize: bytes.nas },
    ],
  }
}

export interface SmallRig {
  readonly rig: Rig
  readonly sources: Sources
}

export async function makeSmallRig(t: Pick<TestContext, 'after'>, random: Seeded): Promise<SmallRig> {
  const rig = await makeRig(t, requestsOf({ dropbox: 4 * MIB, drive: 2 * MIB, nas: 2 * MIB }))
  const sources = await Sources.create(rig, random, { small: 5, medium: 0, large: [5 * MIB, 9 * MIB] })
  return { rig, sources }
}

/** The name of the only archive that the folder shows. */
export function archiveAtNas(rig: Rig): string {
  return namesAtNas(rig).whole[0] ?? ''
}

export function isStored({ destinations }: RunResult): boolean {
  return destinations.length > 0 && destinations.every(({ status }) => status === 'completed')
}
