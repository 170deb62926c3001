import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { countBytes } from '../../../src/pipeline/flow/count-bytes.ts'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import type { DestinationConfig } from '../../../src/stages/config/types.ts'
import { dropboxDestination } from '../../../src/stages/destinations/dropbox/dropbox.ts'
import { dropbox as dropboxKind } from '../../../src/stages/destinations/dropbox/kind.ts'
import type { DropboxConfig } from '../../../src/stages/destinations/dropbox/settings.ts'
import type { GoogleDriveConfig } from '../../../src/stages/destinations/google-drive/settings.ts'
import { openDestination, transportTo } from '../../../src/stages/destinations/open.ts'
import { startDropboxStandIn } from '../../../src/stages/stand-ins/dropbox/stand-in.ts'
import { startDriveStandIn } from '../../../src/stages/stand-ins/google-drive/stand-in.ts'
import type { StandIn } from '../../../src/stages/stand-ins/types.ts'
import { describeDestination, PAGE_ENTRIES, type DestinationUnderTest } from '../../conformance/destination.ts'

const quick = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 200, openingBudgetMs: 200 }

const dropbox: DropboxConfig = {
  type: 'dropbox',
  name: 'hospital-dropbox',
  folder: '/DICOM_Backups',
  chunkSize: null,
  accessToken: null,
  refreshToken: 'refresh-1',
  appKey: 'app-key',
  appSecret: null,
}

const drive: GoogleDriveConfig = {
  type: 'google-drive',
  name: 'hospital-drive',
  folder: 'Hospital/DICOM_Backups',
  chunkSize: null,
  oauth: { clientId: 'client-id', clientSecret: 'client-secret', refreshToken: 'refresh-1' },
  credentialsFile: null,
}

type Start = (storage: { folder: string }) => Promise<StandIn>

async function make(
  config: DestinationConfig,
  start: Start,
  wrap: (destination: Destination) => Destination,
  openIt: typeof openDestination = openDestination,
): Promise<DestinationUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-test-'))
  const standIn = await start({ folder })
  const endpoints = { dropbox: standIn.origin, 'google-drive': standIn.origin }
  const nameOf = (object: { path: string }): string => path.posix.basename(object.path)
  return {
    open: () => wrap(openIt(config, endpoints)),
    visible: () => Promise.resolve(standIn.objects().map(nameOf)),
    async read(object) {
      const found = standIn.objects().find((one) => nameOf(one) === object)
      if (found === undefined) throw new Error(`no ${object}`)
      const chunks: Buffer[] = []
      for await (const chunk of standIn.read(found)) chunks.push(chunk)
      return Buffer.concat(chunks)
    },
    async storeBelow(object) {
      const below = openDestination({ ...config, folder: `${config.folder}/below` }, endpoints)
      const upload = await below.begin(object, new AbortController().signal)
      const digests = new ObjectDigest().digests()
      await upload.commit({ offset: 0, tail: [], bytes: 0, digests }, new AbortController().signal)
      await below.close()
    },
    async close() {
      await standIn.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const startDropbox: Start = (storage) =>
  startDropboxStandIn({ storage, pageEntries: PAGE_ENTRIES, refreshTokens: ['refresh-1'] })
const startDrive: Start = (storage) =>
  startDriveStandIn({ storage, pageEntries: PAGE_ENTRIES, refreshTokens: ['refresh-1'] })
const asIs = (destination: Destination): Destination => destination
const counting = (destination: Destination): Destination => countBytes(destination, () => undefined)
const retried = (destination: Destination): Destination => withRetry(counting(destination), { policy: quick })

const severalAtOnce: typeof openDestination = (_config, endpoints) =>
  dropboxDestination(dropbox, { transport: transportTo(dropboxKind, endpoints, 'dropbox'), sessions: 'concurrent' })

describeDestination('Dropbox', () => make(dropbox, startDropbox, asIs))
describeDestination('Dropbox behind both wrappers', () => make(dropbox, startDropbox, retried))
describeDestination('Dropbox, several requests at once', () => make(dropbox, startDropbox, asIs, severalAtOnce))
describeDestination('Dropbox, several requests at once, behind both wrappers', () =>
  make(dropbox, startDropbox, retried, severalAtOnce),
)
describeDestination('Google Drive', () => make(drive, startDrive, asIs))
describeDestination('Google Drive behind both wrappers', () => make(drive, startDrive, retried))
