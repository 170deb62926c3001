/**
 * Node's clients, not by an `import`: that asks for each of their exports, and one of them loads a whole second client, which
 * takes 40 ms of every start.
 */
export const http = process.getBuiltinModule('node:http')
export const https = process.getBuiltinModule('node:https')
