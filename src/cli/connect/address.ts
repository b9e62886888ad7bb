/** Addresses and URLs on the command line of `connect`: judged before anything is dialled or opened. */
import { isLoopback } from '../../config/schema/units.ts'
import { UsageError } from '../exit.ts'

const command = 'connect'

/** @throws UsageError for what a password must not travel over */
export function gatewayUrl(text: string | undefined): URL {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^wss?:$/.test(url.protocol) || url.hash !== '')
    throw new UsageError('connect needs the URL of a gateway first, such as wss://gate.example.com/amqp', { command })
  if (url.username !== '' || url.password !== '')
    throw new UsageError('connect: no login in the URL: every process of this machine can read it; use --user NAME', {
      command,
    })
  if (url.protocol === 'ws:' && !isLoopback(url.hostname))
    throw new UsageError(
      'connect: a login does not travel over plain ws://; expected wss://, or ws:// to this machine',
      {
        command,
      },
    )
  return url
}

/** `HOST:PORT`, with IPv6 in brackets. @throws UsageError */
export function listenAddress(
  text: string,
  option: string,
  isAnyAllowed: boolean,
): { readonly host: string; readonly port: number } {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? bare
  const port = Number(digits)
  if (host === undefined || !(port <= 65_535))
    throw new UsageError(`connect: expected ${option} HOST:PORT, such as 127.0.0.1:5672`, { command })
  if (!isLoopback(host) && !isAnyAllowed)
    throw new UsageError(
      `connect: everybody who reaches ${text} would be you at the gateway: expected ${option} on 127.0.0.1 or ::1; --listen-any lifts this`,
      { command },
    )
  return { host, port }
}
