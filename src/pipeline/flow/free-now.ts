/**
 * Frees the memory of bytes that nobody reads any more. Left to the garbage collector it would lie about for long: to
 * that it is one small object. What lies in memory that is shared, as small Buffers do, stays.
 */
export function freeNow({ buffer }: Uint8Array): void {
  const isShared = buffer instanceof SharedArrayBuffer || buffer.byteLength <= Buffer.poolSize
  if (!isShared) buffer.transfer(0)
}
