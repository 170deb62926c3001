/** Configurations with one fault each, and how it is told. The files that they name are faults.test.ts's. */
import { DICOM, NAS } from './configured.ts'

/** A file whose third line is the one that a row is about. */
export const both = (line: string): string => `${DICOM}${NAS}${line}\n`
const database = (line: string): string => both(`database: { user: u, name: n, ${line} }`)
const destination = (line: string): string => `${DICOM}destinations:\n  - { ${line} }\n`
const nas = (line: string): string => destination(`name: nas, type: local, folder: /b, ${line}`)
const dropbox = (line: string): string => destination(`name: d, type: dropbox, ${line}`)
const drive = (line: string): string => destination(`name: g, type: google-drive, ${line}`)

/** A configuration with one fault; its key, its line and the text that starts at its column, and the message. */
export const rows: readonly (readonly [
  yaml: string,
  key: string,
  place: readonly [line: number, text: string],
  message: RegExp,
])[] = [
  // the file as a whole
  ['- a\n', '', [1, '-'], /^found a list; expected settings/],
  ['hunter2\n', '', [1, 'hunter2'], /^found a text; expected settings/],
  [NAS, 'dicom.root', [1, 'destinations'], /^is missing; expected the folder/],
  [DICOM, 'destinations', [1, 'dicom'], /^is missing; expected a list with at least one/],
  [
    `${DICOM}destinations: []\n`,
    'destinations',
    [2, 'destinations'],
    /^found an empty list; expected a list with at least one/,
  ],
  [`${DICOM}destinations: 5\n`, 'destinations', [2, '5'], /^found a number; expected a list/],
  [`${DICOM}destinations: {}\n`, 'destinations', [2, 'destinations'], /^found a map; expected a list/],

  // YAML
  [`${DICOM}log:\n\tlevel: info\n`, '', [3, '	'], /a tab in the indentation; expected spaces/],
  ['dicom:\n  root: "C:\\xampp"\n', '', [2, '\\xampp"'], /backslash.*expected single quotes/],
  ["dicom:\n  root: 'x\n", '', [3, ''], /not valid YAML: .*quote.* missing/],
  ['dicom: [\n', '', [2, ''], /not valid YAML: .*bracket/],
  ['dicom:\n  root: @x\n', '', [2, '@x'], /cannot start with this character.*single quotes/],
  ['dicom:\n  root:x\n  include: []\n', '', [2, 'root'], /a key needs a ":" with a space after it/],
  ['dicom: root: x\n', '', [1, 'root'], /a second "key: value"/],
  [`${both('')}---\na: 1\n`, '', [4, '---'], /a second document starts here/],
  [`${both('')}dicom: { root: x }\n`, 'dicom', [4, 'dicom'], /^is repeated; it is first on line 1$/],
  ['dicom:\n  root: x\n  root: y\n' + NAS, 'dicom.root', [3, 'root'], /is repeated; it is first on line 2$/],
  [database('password: *hunter2'), 'database.password', [3, '*hunter2'], /^starts with "\*".*single quotes/],
  [database('password: &hunter2 x'), 'database.password', [3, 'x'], /^starts with "&".*single quotes/],
  [database('password: !hunter2 x'), 'database.password', [3, 'x'], /^starts with "!".*single quotes/],

  // unknown keys
  [both('destination: x'), 'destination', [3, 'destination'], /^is not a known key; did you mean destinations\?$/],
  [both('Retention: { days: 1 }'), 'Retention', [3, 'Retention'], /did you mean retention\?$/],
  [both('webhooks: x'), 'webhooks', [3, 'webhooks'], /^is not a known key; known here: database, dicom, .*endpoints$/],
  [both('dicom.root: x'), 'dicom.root', [3, 'dicom.root'], /^is not a known key/],
  [both('__proto__: x'), '__proto__', [3, '__proto__'], /^is not a known key/],
  [both('toString: x'), 'toString', [3, 'toString'], /^is not a known key/],
  [both('5: x'), '5', [3, '5'], /^is not a known key/],
  [
    both('retention: { days: 1, keep_at_least: 2 }'),
    'retention.keep_at_least',
    [3, 'keep_at_least'],
    /did you mean keepAtLeast\?$/,
  ],
  [database('pasword: hunter2'), 'database.pasword', [3, 'pasword'], /did you mean password\?$/],
  [database('apssword: hunter2'), 'database.apssword', [3, 'apssword'], /did you mean password\?$/],
  [nas('chunksize: 8MiB'), 'destinations[0].chunksize', [3, 'chunksize'], /did you mean chunkSize\?$/],
  [
    nas('accessToken: hunter2'),
    'destinations[0].accessToken',
    [3, 'accessToken'],
    /known here: name, type, chunkSize, folder, mode$/,
  ],

  // wrong types
  [both('database:'), 'database', [3, ''], /^found nothing; .*leave the section out/],
  [both('database: mysql://u:hunter2@host'), 'database', [3, 'mysql'], /^found a text; expected the settings/],
  [both('database: hunter2'), 'database', [3, 'hunter2'], /^found a text; expected the settings/],
  [database('host: 5'), 'database.host', [3, '5'], /^found the number 5; expected a host name/],
  [database('host: ""'), 'database.host', [3, '""'], /^found an empty text; expected a host name/],
  [database('host: " "'), 'database.host', [3, '" "'], /^found the text " "; expected a host name/],
  [database('host: [a]'), 'database.host', [3, 'host'], /^found a list; expected a host name/],
  [database('password: 012345'), 'database.password', [3, '012345'], /^found a number; expected text.*quotes$/],
  [database('password: true'), 'database.password', [3, 'true'], /^found a value; expected text/],
  [database('password: #hunter2\n'), 'database.password', [3, '#hunter2'], /^found nothing \(all after a # is comment/],
  [
    database('password: "a\\nhunter2"'),
    'database.password',
    [3, '"a\\nhunter2"'],
    /^found a text; expected text in one line/,
  ],
  [
    database('port: "3306"'),
    'database.port',
    [3, '"3306"'],
    /^found the text "3306"; expected a whole number from 1 to 65535$/,
  ],
  [database('port: 0'), 'database.port', [3, '0'], /^found the number 0; expected a whole number/],
  [database('port: 65536'), 'database.port', [3, '65536'], /^found the number 65536; expected a whole number/],
  [database('port: 1.5'), 'database.port', [3, '1.5'], /^found the number 1.5; expected a whole number/],
  [
    both('database: { name: n }'),
    'database.user',
    [3, 'database'],
    /^is missing; expected the name of a database user/,
  ],
  [both('database: { user: u }'), 'database.name', [3, 'database'], /^is missing; expected the name of a database$/],
  [
    both('database: { user: u, name: --help }'),
    'database.name',
    [3, '--help'],
    /without \/ or \\ and not starting with -/,
  ],
  [both('database: { user: u, name: ../x }'), 'database.name', [3, '../x'], /without \/ or \\/],
  [`dicom: { root: "C:\\new" }\n${NAS}`, 'dicom.root', [1, '"C:\\new"'], /^found the text "C:\\new"; .*single quotes/],
  [
    `dicom: { root: x, include: [] }\n${NAS}`,
    'dicom.include',
    [1, 'include'],
    /^found an empty list; expected a list with/,
  ],
  [`dicom: { root: x, include: '*' }\n${NAS}`, 'dicom.include', [1, "'*'"], /^found a text; expected a list/],
  [
    `dicom: { root: x, exclude: [a, 5] }\n${NAS}`,
    'dicom.exclude[1]',
    [1, '5'],
    /^found the number 5; expected a pattern/,
  ],
  [
    both('archive: { prefix: a/b }'),
    'archive.prefix',
    [3, 'a/b'],
    /^found the text "a\/b"; expected a file name's beginning/,
  ],
  [both('archive: { prefix: .hidden }'), 'archive.prefix', [3, '.hidden'], /letters, digits/],
  [
    both(`archive: { prefix: ${'x'.repeat(101)} }`),
    'archive.prefix',
    [3, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],
    /^found the text "x{59}…; expected/,
  ],
  [
    both('archive: { compression: best }'),
    'archive.compression',
    [3, 'best'],
    /expected one of auto, store, fast, small$/,
  ],
  [
    both('state: { driver: mysql }'),
    'database',
    [1, 'dicom'],
    /^is missing; with state\.driver mysql the state is in the database's tables$/,
  ],
  [both('state: { driver: pg }'), 'state.driver', [3, 'pg'], /^found the text "pg"; expected one of sqlite, mysql$/],
  [both('log: { level: loud }'), 'log.level', [3, 'loud'], /expected one of trace, .* silent$/],
  [both('schedule: { every: 2h }'), 'schedule.every', [3, '2h'], /expected one of 1h, 3h, 6h, 12h, 24h$/],
  [both('schedule: { every: 6 }'), 'schedule.every', [3, '6'], /^found the number 6; expected one of 1h/],
  [
    both('schedule: { enabled: yes }'),
    'schedule.enabled',
    [3, 'yes'],
    /^found the text "yes"; expected true or false$/,
  ],
  [
    both('retention: { keepAtLeast: 1 }'),
    'retention.days',
    [3, 'retention'],
    /^is missing; expected a whole number from 1 up$/,
  ],
  [
    both('retention: { days: 0 }'),
    'retention.days',
    [3, '0'],
    /^found the number 0; expected a whole number from 1 up$/,
  ],
  [both('retention: { days: 30, keepAtLeast: 0 }'), 'retention.keepAtLeast', [3, '0'], /a whole number from 1 up$/],
  [
    both('retention: { days: .inf }'),
    'retention.days',
    [3, '.inf'],
    /^found the number Infinity; expected a whole number/,
  ],
  [
    both('endpoints: { dropbox: 127.0.0.1:9000 }'),
    'endpoints.dropbox',
    [3, '127.0.0.1'],
    /expected an origin such as http/,
  ],
  [both('endpoints: { dropbox: "ftp://h" }'), 'endpoints.dropbox', [3, '"ftp://h"'], /expected an origin/],
  [
    both('endpoints: { dropbox: "http://h/v2" }'),
    'endpoints.dropbox',
    [3, '"http://h/v2"'],
    /expected an origin.*without a path/,
  ],
  [both('endpoints: { dropbox: "http://h#" }'), 'endpoints.dropbox', [3, '"http://h#"'], /expected an origin/],
  [both('endpoints: { dropbox: "http://h?" }'), 'endpoints.dropbox', [3, '"http://h?"'], /expected an origin/],
  [
    both('endpoints: { dropbox: "http://u:hunter2@h" }'),
    'endpoints.dropbox',
    [3, '"http://u:hunter2@h"'],
    /without a path, a query or a user name/,
  ],
  [
    both('endpoints: { googleDrive: "http://h" }'),
    'endpoints.googleDrive',
    [3, 'googleDrive'],
    /did you mean google-drive\?$/,
  ],

  // one of two
  [
    database('port: 1, socket: /s'),
    'database.socket',
    [3, '/s'],
    /^cannot be combined with port; expected one of the two/,
  ],
  [
    database('password: x, passwordFile: ok.txt'),
    'database.passwordFile',
    [3, 'ok.txt'],
    /^cannot be combined with password/,
  ],
  [
    dropbox('folder: /x'),
    'destinations[0].accessToken',
    [3, '{'],
    /^is missing; expected appKey alone \(then: dicom-backup accounts connect\), refreshToken with appKey/,
  ],
  [
    dropbox('accessToken: a, refreshToken: b'),
    'destinations[0].refreshToken',
    [3, 'b'],
    /^cannot be combined with accessToken/,
  ],
  [dropbox('accessToken: a, appKey: b'), 'destinations[0].appKey', [3, 'b'], /^cannot be combined with accessToken/],
  [
    dropbox('accessToken: a, appSecret: b'),
    'destinations[0].appSecret',
    [3, 'b'],
    /^cannot be combined with accessToken/,
  ],
  [dropbox('refreshToken: a'), 'destinations[0].appKey', [3, '{'], /^is missing; refreshToken needs the App key/],
  [dropbox('appKey: a, appSecret: b'), 'destinations[0].refreshToken', [3, '{'], /^is missing; appSecret is only used/],
  [drive('folder: x'), 'destinations[0].oauth', [3, '{'], /^is missing; expected oauth, or credentialsFile/],
  [drive('oauth: hunter2'), 'destinations[0].oauth', [3, 'hunter2'], /^found a text; expected a map with clientId/],
  [drive('oauth: { clientId: i, refreshToken: r }'), 'destinations[0].oauth.clientSecret', [3, 'oauth'], /^is missing/],

  // destinations
  [destination('type: local, folder: /b'), 'destinations[0].name', [3, '{'], /^is missing; expected a short name/],
  [
    destination('name: a, folder: /b'),
    'destinations[0].type',
    [3, '{'],
    /^is missing; expected one of dropbox, google-drive, local$/,
  ],
  [
    destination('name: a, type: s3'),
    'destinations[0].type',
    [3, 's3'],
    /^found the text "s3"; expected one of dropbox/,
  ],
  [destination('name: a, type: local'), 'destinations[0].folder', [3, '{'], /^is missing; expected the folder/],
  [`${DICOM}destinations:\n  - nas\n`, 'destinations[0]', [3, 'nas'], /^found a text; expected a map with name, type/],
  [
    `${DICOM}destinations:\n  - { name: nas, type: local, folder: /a }\n  - { name: NAS, type: local, folder: /b }\n`,
    'destinations[1].name',
    [4, 'NAS'],
    /^found the text "NAS"; expected a name of its own: destinations\[0\] has this one$/,
  ],
  [
    `${DICOM}destinations:\n  - { name: a, type: local, folder: /a }\n  - { name: b, type: local, folder: /x/../a/ }\n`,
    'destinations[1].folder',
    [4, '/x/../a/'],
    /^is also the folder of destinations\[0\]/,
  ],
  [
    `${DICOM}destinations: [{ name: a, type: local, folder: dicom_files/backups }]\n`,
    'destinations[0].folder',
    [2, 'dicom_files/backups'],
    /^is inside dicom\.root/,
  ],
  [
    dropbox('accessToken: a, folder: "a\\\\b"'),
    'destinations[0].folder',
    [3, '"a\\\\b"'],
    /names with \/ between them$/,
  ],
  [dropbox('accessToken: a, folder: a/../b'), 'destinations[0].folder', [3, 'a/../b'], /names with \/ between them$/],
  [drive('credentialsFile: ok.json, folder: /'), 'destinations[0].folder', [3, '/'], /expected the name of a folder/],
  [
    dropbox('accessToken: "hunter2 x"'),
    'destinations[0].accessToken',
    [3, '"hunter2 x"'],
    /^found a text; .*without spaces$/,
  ],
  [
    dropbox('accessToken: ""'),
    'destinations[0].accessToken',
    [3, '""'],
    /^found an empty text; expected an access token/,
  ],

  // access rights: without quotes 0640 is the number 640 in YAML
  [nas('mode: 0640'), 'destinations[0].mode', [3, '0640'], /in quotes, such as "0640"/],
  [nas('mode: "0440"'), 'destinations[0].mode', [3, '"0440"'], /such as "0640", from "0600" to "0666"$/],
  [nas('mode: "0777"'), 'destinations[0].mode', [3, '"0777"'], /such as "0640"/],
  [nas('mode: rw-r-----'), 'destinations[0].mode', [3, 'rw-r-----'], /such as "0640"/],

  // sizes
  [
    nas('chunkSize: lots'),
    'destinations[0].chunkSize',
    [3, 'lots'],
    /^found the text "lots"; expected 8MiB: a folder takes any size, from 64KiB to 32MiB$/,
  ],
  [nas('chunkSize: 8'), 'destinations[0].chunkSize', [3, '8'], /^found the number 8; expected 8MiB:/],
  [nas('chunkSize: 65535'), 'destinations[0].chunkSize', [3, '65535'], /expected 64KiB:/],
  [nas('chunkSize: 33554433'), 'destinations[0].chunkSize', [3, '33554433'], /expected 32MiB:/],
  [nas('chunkSize: -8MiB'), 'destinations[0].chunkSize', [3, '-8MiB'], /expected 8MiB:/],
  [nas('chunkSize: 1.0000001MiB'), 'destinations[0].chunkSize', [3, '1.0000001MiB'], /expected 8MiB:/],
  [nas('chunkSize: 0'), 'destinations[0].chunkSize', [3, '0'], /expected 64KiB:/],
  [
    nas('chunkSize: true'),
    'destinations[0].chunkSize',
    [3, 'true'],
    /^found the value true; expected a size such as 8MiB/,
  ],
  [
    dropbox('accessToken: a, chunkSize: 5MiB'),
    'destinations[0].chunkSize',
    [3, '5MiB'],
    /expected 4MiB or 8MiB: Dropbox takes steps of 4MiB/,
  ],
  [dropbox('accessToken: a, chunkSize: 1MiB'), 'destinations[0].chunkSize', [3, '1MiB'], /expected 4MiB:/],
  [
    dropbox('accessToken: a, chunkSize: 36MiB'),
    'destinations[0].chunkSize',
    [3, '36MiB'],
    /expected 32MiB: .* to 32MiB$/,
  ],
  [
    drive('credentialsFile: ok.json, chunkSize: 262145'),
    'destinations[0].chunkSize',
    [3, '262145'],
    /expected 256KiB or 512KiB:/,
  ],

  // environment
  [
    database('password: ${GONE}'),
    'database.password',
    [3, '${GONE'],
    /^uses the environment variable GONE, which is not set/,
  ],
  [database('port: ${GONE}'), 'database.port', [3, '${GONE'], /^uses the environment variable GONE, which is not set/],
  [
    dropbox('accessToken: ${EMPTY}'),
    'destinations[0].accessToken',
    [3, '${EMPTY'],
    /^found the empty text that \$\{EMPTY\} gives/,
  ],
  [
    database('host: "${WORD} ${WORD}\\t"'),
    'database.host',
    [3, '"${WORD} ${WORD}\\t"'],
    /^found the text that \$\{WORD\} and \$\{WORD\} gives; expected/,
  ],
  [
    both('schedule: { every: ${WORD} }'),
    'schedule.every',
    [3, '${WORD'],
    /^found the text that \$\{WORD\} gives; expected one of/,
  ],
  [
    both('schedule: { enabled: "${TRUE}" }'),
    'schedule.enabled',
    [3, '"${TRUE}"'],
    /^found the text that \$\{TRUE\} gives; expected/,
  ],
  [
    database("password: 'hunter2${hunter2-x}'"),
    'database.password',
    [3, "'hunter2${hunter2-x}'"],
    /^contains "\$\{" without a variable's name/,
  ],
  [
    database("password: 'hunter2${'"),
    'database.password',
    [3, "'hunter2${'"],
    /expected \$\{NAME\}, or \$\$\{ for a plain \$\{$/,
  ],

  // files
  [
    database('passwordFile: gone.txt'),
    'database.passwordFile',
    [3, 'gone.txt'],
    /gone\.txt does not exist; expected a file/,
  ],
  [database('passwordFile: .'), 'database.passwordFile', [3, '.'], /is a folder/],
  [
    database('passwordFile: empty.txt'),
    'database.passwordFile',
    [3, 'empty.txt'],
    /^the file is empty or has several lines/,
  ],
  [
    database('passwordFile: two-lines.txt'),
    'database.passwordFile',
    [3, 'two-lines.txt'],
    /^the file is empty or has several lines/,
  ],
  [database('passwordFile: ansi.txt'), 'database.passwordFile', [3, 'ansi.txt'], /ansi\.txt is not UTF-8 text/],
  [
    drive('credentialsFile: gone.json'),
    'destinations[0].credentialsFile',
    [3, 'gone.json'],
    /gone\.json does not exist/,
  ],
  [
    drive('credentialsFile: not.json'),
    'destinations[0].credentialsFile',
    [3, 'not.json'],
    /^the file is not JSON; expected a service account/,
  ],
  [
    drive('credentialsFile: user.json'),
    'destinations[0].credentialsFile',
    [3, 'user.json'],
    /^the file is not of type service_account/,
  ],
  [
    drive('credentialsFile: no-key.json'),
    'destinations[0].credentialsFile',
    [3, 'no-key.json'],
    /^the file has no client_email or no private_key/,
  ],
]
