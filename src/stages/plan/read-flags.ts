import { constants } from 'node:fs'

/** Windows has neither. */
const { O_NOFOLLOW, O_NONBLOCK } = constants as Partial<typeof constants>

/** Whether READ_FLAGS refuse a link that took a file's place; where they do not, it has to be asked for before. */
export const REFUSES_LINKS = O_NOFOLLOW !== undefined

/**
 * How a planned file is opened: what has taken its place in the last moment, a link, is not followed, and a pipe is not
 * waited for until somebody writes to it.
 */
export const READ_FLAGS = constants.O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0)
