import type { AccountsResult, AccountTest } from '../../stages/contract/results.ts'
import { kindOf } from '../../stages/destinations/kinds.ts'
import { beside, heading, items, joinBlocks, paragraph, verdict, type Item, type Mark } from './blocks.ts'
import { formatFree, formatLocalMinute } from './format.ts'
import { signsOf, type Format, type Style } from './style.ts'
import { table, type Cell } from './table.ts'

type Account = AccountsResult['accounts'][number]

const SIGN_INS: Readonly<Record<NonNullable<Account['signIn']>['state'], readonly [Mark, Format, string]>> = {
  ok: ['ok', 'green', ''],
  lapsing: ['look', 'yellow', 'expires soon'],
  lapsed: ['bad', 'red', 'expired or refused'],
  none: ['bad', 'red', 'not signed in yet'],
}

/** The destinations for people: where each goes, how it is signed in to, and what to do about it. */
export function accountsSummary({ accounts }: AccountsResult, style: Style): string {
  const head: Cell[] = ['', '', '', 'Folder', 'Sign-in', 'Last backup'].map((text) => [text, 'dim'] as const)
  const rows = accounts.map(({ name, type, folder, signedInBy, signIn, lastBackupAt }): Cell[] => {
    const [mark, format, text] = SIGN_INS[signIn?.state ?? 'ok']
    const how = [signedInBy, text].filter((part) => part !== '').join(', ')
    return [
      [signsOf(style)[mark], format],
      name,
      type,
      folder,
      text === '' ? how : [how, format],
      lastBackupAt === null ? 'never' : formatLocalMinute(lastBackupAt),
    ]
  })
  const columns = [{}, { shrinks: true }, {}, { shrinks: true }, {}, { optional: true }] as const
  return joinBlocks([table(columns, [head, ...rows], style), signInSteps(accounts, style)])
}

/** What is to be done about sign-ins that are missing, have ended or are about to. */
export function signInSteps(accounts: readonly Pick<Account, 'name' | 'signIn'>[], style: Style): string[] {
  const list = accounts.flatMap(({ name, signIn }): Item[] => {
    if (signIn === null || signIn.state === 'ok') return []
    const [mark, , text] = SIGN_INS[signIn.state]
    const when = signIn.lapsesAt === null ? '' : ` (${formatLocalMinute(signIn.lapsesAt)})`
    return [{ mark, name, details: [`${text}${when}. ${signIn.advice}`] }]
  })
  return list.length === 0 ? [] : [heading('Sign-ins', style), ...items(list, style)]
}

export function accountTestSummary(accounts: readonly AccountTest[], style: Style): string {
  const list = accounts.map(({ name, account, freeBytes, error }): Item => {
    if (error !== null) return { mark: 'bad', name, details: [`${beside(name, error.message)} (${error.code})`] }
    return { mark: 'ok', name, details: [`${account ?? ''}, ${formatFree(freeBytes)}`] }
  })
  const failed = accounts.filter(({ ok }) => !ok).length
  const text = failed === 0 ? 'Every destination can be used' : `${failed} of ${accounts.length} cannot be used`
  return joinBlocks([items(list, style, 0), verdict(failed === 0 ? 'ok' : 'bad', text, style)])
}

export interface ShownAddress {
  readonly title: string
  readonly address: string
  readonly pasted: 'code' | 'address' | null
}

/** Where to go in the browser; the address stands alone on its line, so that it can be copied. */
export function addressText({ title, address, pasted }: ShownAddress, style: Style): string {
  const after = {
    code: `Sign in to ${title} there and allow the access. Then paste the code from that page here and press Enter:`,
    address: `Sign in to ${title} there and allow the access. The browser then shows an error for an address that begins with http://. Paste that whole address here and press Enter:`,
    none: `Sign in to ${title} there and allow the access; this program then continues by itself. If that browser is on another machine, press Ctrl-C and use --no-browser.`,
  }[pasted ?? 'none']
  return joinBlocks([['Open this address in a browser:'], [address], paragraph(after, style, 0)])
}

export interface ConnectedAccount {
  readonly name: string
  readonly type: string
  readonly account: string
  readonly lapsesAt: string | null
}

export function connectedSummary({ name, type, account, lapsesAt }: ConnectedAccount, style: Style): string {
  const why = kindOf({ type })?.signIn?.oauth?.whyItEnds ?? null
  const end =
    lapsesAt === null
      ? []
      : paragraph(
          `This sign-in expires at ${formatLocalMinute(lapsesAt)}${why === null ? '. Connect again before then.' : `, ${why}`}`,
          style,
        )
  return joinBlocks([
    verdict(lapsesAt === null ? 'ok' : 'look', `${name} is connected: ${account}`, style),
    end,
    [heading('Next', style), ...paragraph('"dicom-backup doctor" checks that a backup can be stored there.', style)],
  ])
}
