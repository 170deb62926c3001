import http from 'node:http'
import type { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** Two uploads of unknown length, one to each address. `done` resolves when both were answered. */
export function openUploads(urls: readonly string[]): { readonly bodies: readonly Writable[]; done: Promise<void> } {
  const uploads = urls.map((url) => {
    const request = http.request(url, { method: 'PUT', headers: { 'content-type': 'application/octet-stream' } })
    const answered = new Promise<void>((resolve, reject) => {
      request.on('error', reject)
      request.on('response', (response) => {
        text(response).then(() => {
          if (response.statusCode === 200) resolve()
          else reject(new Error(`${url} answers ${response.statusCode ?? 'nothing'}`))
        }, reject)
      })
    })
    return { request, answered }
  })
  return {
    bodies: uploads.map(({ request }) => request),
    done: Promise.all(uploads.map(({ answered }) => answered)).then(() => undefined),
  }
}
