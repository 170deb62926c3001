import type { Exchange } from '../exchange.ts'
import { invalid } from './errors.ts'

/** Takes in a request without a body to speak of. */
export async function enter(exchange: Exchange): Promise<void> {
  await exchange.drain()
  await exchange.at('before-commit')
}

/** The parameter `name` as a whole number; `otherwise` when it is not given. */
export function count(exchange: Exchange, name: string, otherwise: number): number {
  const value = Number(exchange.url.searchParams.get(name) ?? otherwise)
  if (!Number.isInteger(value) || value < 0 || value > 1000) throw invalid('Invalid Value', name)
  return value
}
