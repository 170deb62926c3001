import type { StandInServer } from './server.ts'
import type { StandIn } from './types.ts'

/** What both stand-ins offer alike once their server runs. */
export function controls(
  server: StandInServer,
  account: {
    readonly tokens: { expireAll(): void; revoke(refreshToken: string): void }
    readonly refreshTokens: Set<string>
  },
): Pick<StandIn, 'faults' | 'requests' | 'expireTokens' | 'revoke' | 'pause' | 'resume' | 'idle' | 'close'> {
  return {
    faults: server.faults,
    requests: server.requests,
    expireTokens() {
      account.tokens.expireAll()
    },
    revoke(refreshToken) {
      account.refreshTokens.delete(refreshToken)
      account.tokens.revoke(refreshToken)
    },
    pause() {
      server.gate.shut()
    },
    resume() {
      server.gate.open()
    },
    idle: () => server.idle(),
    close: () => server.close(),
  }
}
