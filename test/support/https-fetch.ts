/** Requests over TLS that believe an authority of the test's, and go out from an address of the test's. */
import { request } from 'node:https'
import { buffer } from 'node:stream/consumers'
import type { SendRequest } from './cookie-browser.ts'
import { within } from './until.ts'

export function fetchOver({ ca, localAddress }: { readonly ca: string; readonly localAddress: string }): SendRequest {
  return async (url, { method = 'GET', headers, body }) => {
    const answered = new Promise<Response>((resolve, reject) => {
      const own = Object.fromEntries(new Headers(headers))
      const sent = request(url, { method, headers: own, ca, localAddress, family: 4, agent: false }, (answer) => {
        const fields = new Headers()
        for (let at = 0; at < answer.rawHeaders.length; at += 2) {
          fields.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '')
        }
        buffer(answer)
          .then((bytes) => resolve(new Response(bytes, { status: answer.statusCode ?? 0, headers: fields })))
          .catch(reject)
      })
      sent.on('error', reject)
      sent.end(body === undefined || body === null ? '' : String(body))
    })
    return await within(answered, `an answer of ${url}`, 30_000)
  }
}
