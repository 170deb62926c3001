/**
 * What a stand-in for a Windows program does (programs.ts): it hands its words and its stdin to the checks, which answer
 * with what it writes and how it ends.
 */
const net = require('node:net')
const path = require('node:path')

const socket = net.connect({ port: Number(process.env.STAND_IN_PORT), host: '127.0.0.1', allowHalfOpen: true })
const call = { name: path.win32.basename(process.execPath, '.exe'), words: process.argv.slice(2) }
socket.write(`${JSON.stringify(call)}\n`)
// Only this one reads its stdin, which who starts the others may leave open.
if (call.name === 'mysql' && call.words[0] !== '--no-defaults') process.stdin.pipe(socket)
else socket.end()
let answer = ''
socket.setEncoding('utf8').on('data', (text) => (answer += text))
socket.on('end', () => {
  const { code, stdout, stderr } = JSON.parse(answer)
  process.exitCode = code
  process.stderr.write(Buffer.from(stderr, 'base64'), () => process.stdout.write(Buffer.from(stdout, 'base64')))
})
