import type { DestinationConfig } from './config.ts'

/** How the rows of the viewer's backup_accounts are destinations of a kind. */
export interface ViewerAccounts<C extends DestinationConfig> {
  /** Words of `backup_provider` that mean it, in lower case; the first is the one that the viewer writes. */
  readonly names: readonly string[]
  /** Whether `folder_name` may mean the root. */
  readonly rootIsFolder: boolean
  /**
   * `folder`: names with '/' between them, '' for the root. A `problem` is the end of a sentence about the account.
   */
  read(
    row: ViewerRow,
    common: Pick<C, 'name' | 'chunkSize'>,
    folder: string,
  ): { readonly config: C; readonly secrets: readonly string[]; readonly problem: ViewerProblem | null }
}

export interface ViewerProblem {
  readonly code: 'E_AUTH' | 'E_CONFIG'
  readonly problem: string
}

/** What a row has to sign in with; '' for NULL. */
export interface ViewerRow {
  readonly dropbox_access_token: string
  /** Null: far more bytes than a key or a sign-in has. */
  readonly credentials_json: string | null
}
