/**
 * MariaDB's method of authentication "ed25519" (client_ed25519): the server sends 32 random bytes, the client answers with
 * their Ed25519 signature (RFC 8032) under the key whose seed is the password itself, of whatever length. Node's crypto
 * takes seeds of 32 bytes only. It does all the work with points here nevertheless; what is left are sums of numbers.
 */
import { createHash, createPrivateKey, createPublicKey, diffieHellman, randomBytes, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** The field's prime, and the order of the base point (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n

/** DER around a raw key (RFC 8410): private and public, of X25519 and Ed25519. */
const PKCS8 = { x25519: '302e020100300506032b656e04220420', ed25519: '302e020100300506032b657004220420' }
const SPKI = { x25519: '302a300506032b656e032100', ed25519: '302a300506032b6570032100' }
/** u of X25519's base point (RFC 7748 section 4.1). */
const BASE_U = Buffer.concat([Buffer.from([9]), Buffer.alloc(31)])

/** The signature, 64 bytes, by which the server knows that the client has the password. */
export function signEd25519(password: string, message: Uint8Array): Buffer {
  const half = sha512(Buffer.from(password)).subarray(0, 32)
  // RFC 8032 section 5.1.5, step 2.
  half[0] = (half[0] ?? 0) & 0xf8
  half[31] = ((half[31] ?? 0) & 0x7f) | 0x40
  const scalar = numberOf(half)
  const y = publicY(half)
  const { commitment, nonce } = newNonce()
  // The sign of x is not known: the one with which the signature verifies is the key's.
  for (const isOdd of [0, 1]) {
    const key = Buffer.from(y)
    key[31] = (key[31] ?? 0) | (isOdd << 7)
    const challenge = numberOf(sha512(commitment, key, message))
    const signature = Buffer.concat([commitment, bytesOf((nonce + challenge * scalar) % L)])
    if (verify(null, message, publicKey('ed25519', key), signature)) return signature
  }
  throw new Error('The password could not be turned into an Ed25519 signature.')
}

/**
 * A number that is used once, with its point: those of another signature, by a key that is thrown away, as RFC 8032 section
 * 5.1.6 makes them.
 */
function newNonce(): { readonly commitment: Buffer; readonly nonce: bigint } {
  const [seed, text] = [randomBytes(32), randomBytes(32)]
  const commitment = sign(null, text, privateKey('ed25519', seed)).subarray(0, 32)
  return { commitment, nonce: numberOf(sha512(sha512(seed).subarray(32), text)) % L }
}

/** y of the public point, by way of X25519, whose u is the same point on its other curve: y = (u - 1) / (u + 1). */
function publicY(scalar: Uint8Array): Buffer {
  const u = numberOf(
    diffieHellman({ privateKey: privateKey('x25519', scalar), publicKey: publicKey('x25519', BASE_U) }),
  )
  return bytesOf(((u + P - 1n) * inverse(u + 1n)) % P)
}

/** Fermat: 1/n = n^(P-2). */
function inverse(n: bigint): bigint {
  let [result, base] = [1n, n % P]
  for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * base) % P
    base = (base * base) % P
  }
  return result
}

type Curve = keyof typeof SPKI

function privateKey(curve: Curve, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(PKCS8[curve], 'hex'), raw])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

function publicKey(curve: Curve, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(SPKI[curve], 'hex'), raw])
  return createPublicKey({ key, format: 'der', type: 'spki' })
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Little-endian, as the curve's numbers are. */
function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function bytesOf(n: bigint): Buffer {
  return Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse()
}
