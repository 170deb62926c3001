/** Access tokens: those given, those issued for refresh tokens, and when they end. */

import { randomBytes } from 'node:crypto'

export interface TokenHolder {
  /**
   * The refresh token, or another name, that the access token was given for; null for one that was there from the
   * start.
   */
  readonly grant: string | null
}

interface Issued<H> {
  readonly holder: H
  readonly endsAt: number
}

export class AccessTokens<H extends TokenHolder> {
  readonly #clock: () => number
  readonly #prefix: string
  readonly #live = new Map<string, Issued<H>>()
  readonly lifetimeSeconds: number

  constructor(prefix: string, lifetimeSeconds: number, clock: () => number) {
    this.#prefix = prefix
    this.lifetimeSeconds = lifetimeSeconds
    this.#clock = clock
  }

  issue(holder: H): string {
    const token = this.#prefix + randomBytes(24).toString('base64url')
    this.#live.set(token, { holder, endsAt: this.#clock() + this.lifetimeSeconds * 1000 })
    return token
  }

  /** Lets a token in that never ends by itself. */
  accept(token: string, holder: H): void {
    this.#live.set(token, { holder, endsAt: Infinity })
  }

  find(token: string): H | 'expired' | 'unknown' {
    const issued = this.#live.get(token)
    if (issued === undefined) return 'unknown'
    return this.#clock() < issued.endsAt ? issued.holder : 'expired'
  }

  expireAll(): void {
    for (const [token, { holder }] of this.#live) this.#live.set(token, { holder, endsAt: -Infinity })
  }

  revoke(grant: string): void {
    for (const [token, { holder }] of this.#live) if (holder.grant === grant) this.#live.delete(token)
  }
}

/** The token of an `Authorization: Bearer` header; null when there is none. */
export function bearer(header: string | null): string | null {
  return /^Bearer (\S+)$/i.exec(header ?? '')?.[1] ?? null
}
