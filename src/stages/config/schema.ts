import { z } from 'zod'
import type { DestinationKind } from '../destinations/kind.ts'
import { kinds } from '../destinations/kinds.ts'
import { asSecret, declaredIn, type DeclaredSecrets } from '../schema/declared.ts'
import { list, path, rules, section, SINGLE_LINE, size, text, whole } from '../schema/parts.ts'
import { KiB, MiB } from '../schema/size.ts'
import { destinationSchema, endpointsSchema } from './destination-schema.ts'

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const INTERVALS = ['1h', '3h', '6h', '12h', '24h'] as const

const tls = rules(
  section('the settings of TLS to the database', {
    ca: path("the path of a PEM file with the authority that signed the server's certificate").optional(),
    cert: path("the path of a PEM file with the client's certificate").optional(),
    key: path("the path of a PEM file with the key of the client's certificate").optional(),
    required: z.boolean('true or false').default(true),
  }),
  ({ ca, cert, key, required }) => [
    cert !== undefined && key === undefined && { key: 'cert', message: 'needs key, the file with its private key' },
    key !== undefined && cert === undefined && { key: 'key', message: 'needs cert, the file with its certificate' },
    ca !== undefined &&
      !required && { key: 'required', message: 'is false beside ca; a server that is to be checked must have TLS' },
  ],
)

const database = rules(
  section('the settings of the database; leave the section out to back up files only', {
    host: text('a host name or address').default('127.0.0.1'),
    port: whole(1, 65_535).optional(),
    socket: path('the path of a Unix socket, or the name of a Windows pipe').optional(),
    user: text('the name of a database user'),
    password: asSecret(z.string(SINGLE_LINE).regex(/^\P{Cc}*$/u, SINGLE_LINE)).optional(),
    passwordFile: path('the path of a file that holds the password').optional(),
    // It becomes an argument of the dump program and a file name in the archive.
    name: text('the name of a database').regex(
      /^[^-/\\][^/\\]*$/,
      'the name of a database, without / or \\ and not starting with -',
    ),
    dumpCommand: path('the name or path of mysqldump or mariadb-dump').optional(),
    tls: tls.optional(),
  }),
  ({ port, socket, password, passwordFile }) => [
    port !== undefined &&
      socket !== undefined && { key: 'socket', message: 'cannot be combined with port; expected one of the two' },
    password !== undefined &&
      passwordFile !== undefined && {
        key: 'passwordFile',
        message: 'cannot be combined with password; expected one of the two',
      },
  ],
)

const dicom = section('the settings of the archive folder', {
  root: path('the folder that holds the DICOM files'),
  include: list(text('a pattern such as CT/**')).min(1, 'a list with at least one pattern').default(['**/*']),
  exclude: list(text('a pattern such as CT/**')).default([]),
})

const PREFIX = 'a file name\'s beginning: up to 100 letters, digits, ".", "_" and "-", the first a letter or digit'

const archive = section('the settings of the archive', {
  prefix: text(PREFIX)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, PREFIX)
    .default('dicom_backup'),
  compression: z.enum(['auto', 'store', 'fast', 'small'], 'one of auto, store, fast, small').default('auto'),
})

const state = section('the settings of the state', {
  driver: z.enum(['sqlite', 'mysql'], 'one of sqlite, mysql').default('sqlite'),
  dir: path('a folder').default('.dicom-backup'),
})

const log = section('the settings of the log', {
  file: path('the path of a file').default('logs/backup_scheduler.log'),
  level: z.enum(LEVELS, `one of ${LEVELS.join(', ')}`).default('info'),
  maxSize: size('a size from 64KiB to 1GiB, such as 10MiB', 64 * KiB, 1024 * MiB).prefault('10MiB'),
  keep: whole(1).default(5),
})

const schedule = section('the settings of the schedule', {
  enabled: z.boolean('true or false').default(true),
  every: z.enum(INTERVALS, `one of ${INTERVALS.join(', ')}`).default('6h'),
  verify: z.enum(['never', 'weekly'], 'never or weekly').default('never'),
})

const retention = section('the settings of the retention; leave the section out to keep every archive', {
  days: whole(1),
  keepAtLeast: whole(1).default(3),
})

const DESTINATIONS = 'a list with at least one destination'

const RIGHT = 'settings, as `dicom-backup init` writes them'

function schemasOf(known: readonly DestinationKind[]) {
  const destinations = list(destinationSchema(known), DESTINATIONS).superRefine(distinctNames, {
    when: ({ value }) => Array.isArray(value),
  })
  const shape = {
    database: database.optional(),
    dicom: dicom.prefault({} as z.input<typeof dicom>),
    archive: archive.prefault({}),
    state: state.prefault({}),
    log: log.prefault({}),
    destinations: destinations.min(1, DESTINATIONS),
    schedule: schedule.prefault({}),
    retention: retention.optional(),
    endpoints: endpointsSchema(known).prefault({}),
  }
  const config = section(RIGHT, shape)
  const viewer = rules(section(RIGHT, { ...shape, destinations: destinations.default([]) }), ({ database: given }) => [
    given === undefined && {
      key: 'database',
      message: "is missing; with state.driver mysql the state is in the database's tables",
    },
  ])
  return { config, viewer, declared: declaredIn(config) }
}

interface ConfigSchemas {
  /** The file as it is written. Every issue's message says what would be right, except those that `rules` makes. */
  readonly config: ReturnType<typeof schemasOf>['config']
  /** The same with the state in the viewer's tables: its accounts may be all destinations there are. */
  readonly viewer: ReturnType<typeof schemasOf>['viewer']
  /** Which settings in it are secrets. */
  readonly declared: DeclaredSecrets
}

let made: { readonly of: readonly DestinationKind[]; readonly schemas: ConfigSchemas } | null = null

/** For the kinds of destinations that there are. */
export function configSchemas(): ConfigSchemas {
  const known = kinds()
  if (made?.of !== known) made = { of: known, schemas: schemasOf(known) }
  return made.schemas
}

export type WrittenConfig = z.output<ConfigSchemas['config']>

/** Names that differ in case only are the same to a person, and to Windows as file names. */
function distinctNames(destinations: readonly unknown[], context: z.core.$RefinementCtx): void {
  const first = new Map<string, number>()
  destinations.forEach((destination, index) => {
    if (typeof destination !== 'object' || destination === null || !('name' in destination)) return
    if (typeof destination.name !== 'string') return
    const name = destination.name.toLowerCase()
    const earlier = first.get(name)
    if (earlier === undefined) first.set(name, index)
    else
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `a name of its own: destinations[${earlier}] has this one`,
      })
  })
}
