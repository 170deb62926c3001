/** files.list. */

import { json } from '../answer.ts'
import type { Answer } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import type { Account } from './account.ts'
import { caller, canSee } from './account.ts'
import { invalid } from './errors.ts'
import { below, maskOf, pick } from './fields.ts'
import type { Mask } from './fields.ts'
import { DEFAULT_FIELDS, ROOT } from './files.ts'
import type { DriveFile } from './files.ts'
import { count, enter } from './parameters.ts'
import { parseQuery } from './query.ts'

const DEFAULT_LIST: Mask = new Map<string, Mask>([
  ['kind', null],
  ['incompleteSearch', null],
  ['nextPageToken', null],
  ['files', DEFAULT_FIELDS],
])

/** Where a file stands in a list, whatever is removed before it. */
interface Place extends Pick<DriveFile, 'name' | 'createdTime' | 'modifiedTime'> {
  readonly serial: number
}

type Order = (a: Place, b: Place) => number

/**
 * Pages are cut before `q` is applied, so that one may hold fewer files than asked for, or none, and still name a next
 * one, as the real service's may.
 */
export async function list(account: Account, exchange: Exchange): Promise<Answer> {
  const holder = caller(account, exchange)
  await enter(exchange)
  const { searchParams } = exchange.url
  const mask = maskOf(searchParams.get('fields'), DEFAULT_LIST)
  const matches = parseQuery(
    (searchParams.get('q') ?? 'trashed = false or trashed = true').replaceAll("'root'", `'${ROOT}'`),
  )
  const size = Math.min(count(exchange, 'pageSize', 100), account.pageEntries)
  const order = orderOf(searchParams.get('orderBy'))
  const token = searchParams.get('pageToken')
  const last = token === null ? null : readToken(token)
  if ((searchParams.get('spaces') ?? 'drive') !== 'drive') throw invalid('Invalid Value', 'spaces')
  const placed = account.files.all().filter((file) => canSee(holder, file))
  const all = placed
    .map((file) => ({ file, place: placeOf(account, file) }))
    .filter(({ place }) => last === null || order(place, last) > 0)
    .sort((a, b) => order(a.place, b.place))
  const page = all.slice(0, size)
  const found = page.filter(({ file }) => matches(file))
  const files = await Promise.all(found.map(({ file }) => account.files.resource(file, below(mask, 'files'))))
  const end = page.at(-1)?.place ?? last
  const next = page.length < all.length && end !== null ? { nextPageToken: tokenOf(end) } : {}
  return json(200, pick({ kind: 'drive#fileList', incompleteSearch: false, ...next, files }, mask))
}

function placeOf(account: Account, file: DriveFile): Place {
  const { name, createdTime, modifiedTime } = file
  return { name, createdTime, modifiedTime, serial: account.files.serial(file.id) }
}

/** The comparison that `orderBy` names; the oldest first otherwise. */
function orderOf(orderBy: string | null): Order {
  const keys = (orderBy ?? '').split(',').filter((key) => key !== '')
  const orders = keys.map((key): Order => {
    const [field, direction] = key.trim().split(' ')
    if (field !== 'name' && field !== 'createdTime' && field !== 'modifiedTime')
      throw invalid('Invalid Value', 'orderBy')
    const sign = direction === 'desc' ? -1 : 1
    return (a, b) => sign * (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0)
  })
  return (a, b) => orders.reduce((result, order) => result || order(a, b), 0) || a.serial - b.serial
}

function tokenOf(place: Place): string {
  return `~${Buffer.from(JSON.stringify(place)).toString('base64url')}`
}

function readToken(token: string): Place {
  try {
    return JSON.parse(Buffer.from(token.replace(/^~/, ''), 'base64url').toString()) as Place
  } catch {
    throw invalid('Invalid Value', 'pageToken')
  }
}
