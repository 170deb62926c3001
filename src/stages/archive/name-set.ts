import { hash } from 'node:crypto'

const FIRST_SLOTS = 1024

/**
 * A set of names by 64 bits of their SHA-256: 32 bytes a name at most, so that a million of them can be kept. Two names
 * of a million are taken for the same once in 30 million such sets.
 */
export class NameSet {
  #slots = new BigUint64Array(FIRST_SLOTS)
  #size = 0

  /** False: it was there already. */
  add(name: string): boolean {
    const key = hash('sha256', name, 'buffer').readBigUInt64LE() || 1n
    const slot = slotOf(this.#slots, key)
    if (this.#slots[slot] === key) return false
    this.#slots[slot] = key
    this.#size += 1
    if (this.#size * 2 > this.#slots.length) this.#grow()
    return true
  }

  get size(): number {
    return this.#size
  }

  #grow(): void {
    const slots = new BigUint64Array(this.#slots.length * 2)
    for (const key of this.#slots) if (key !== 0n) slots[slotOf(slots, key)] = key
    this.#slots = slots
  }
}

/** Where the key is, or where it goes. Some slots are always free. */
function slotOf(slots: BigUint64Array, key: bigint): number {
  let slot = Number(key & BigInt(slots.length - 1))
  while (slots[slot] !== 0n && slots[slot] !== key) slot = (slot + 1) % slots.length
  return slot
}
