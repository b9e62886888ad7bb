/**
 * Documents over plain http, from private addresses only: inside a container network, where an operator has said that
 * nobody but their own machines can speak. A name is looked up and judged for the very connection that is then made, so
 * that it cannot lead elsewhere a moment later.
 */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { isIP, type LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { compileAddresses } from '../../net/addresses.ts'

/** Loopback, private use [RFC 1918 §3] and unique local addresses [RFC 4193 §3.1]. */
const PRIVATE = compileAddresses(['127.0.0.0/8', '::1', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'])

/** Finds all addresses of a name. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** Whether the host of a URL is a public address; of a name that is known only when it is looked up. */
export function isPublicAddress(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) !== 0 && !PRIVATE.contain(bare)
}

/** Rejects where any of a name's addresses is public: which of them is taken is chance. */
export function privateFetch(resolve: Resolve = lookup): (url: string, init: RequestInit) => Promise<Response> {
  return async (url, { headers, signal }) => {
    const { hostname } = new URL(url)
    if (isPublicAddress(hostname)) throw new Error(publicProblem(hostname, hostname))
    const asking = request(url, {
      // A connection of its own: one that is kept was judged for another name.
      agent: false,
      lookup: privateLookup(resolve),
      headers: Object.fromEntries(new Headers(headers)),
      ...(signal == null ? {} : { signal }),
    })
    // An answer that is cut off fails where it is read.
    asking.on('error', () => undefined).end()
    const [answer] = (await once(asking, 'response').catch((error: unknown) => {
      signal?.throwIfAborted()
      throw error
    })) as [IncomingMessage]
    return responseOf(answer)
  }
}

function privateLookup(resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error !== null || first === undefined) return callback(error ?? new Error(`${hostname} has no address`), [])
      const found = addresses.find(({ address }) => !PRIVATE.contain(address))
      if (found !== undefined) return callback(new Error(publicProblem(hostname, found.address)), [])
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}

/** Only an answer that is one has a body: redirects and errors are nobody's document. */
function responseOf(answer: IncomingMessage): Response {
  const status = answer.statusCode ?? 500
  if (status === 200) return new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array>, { status })
  answer.destroy()
  return new Response(null, { status: status >= 200 && status <= 599 ? status : 500 })
}

function publicProblem(hostname: string, address: string): string {
  const where = hostname === address ? address : `${hostname} (${address})`
  return `${where} is no private address: plain http is not accepted from there`
}
