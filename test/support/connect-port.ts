/** `gatehouse connect` within this process: a local AMQP port in front of a gateway, for clients that speak TCP. */
import { connect as amqplib, type ChannelModel } from 'amqplib'
import { Secret } from '../../auth/index.ts'
import { Connect, type ConnectOptions } from '../../src/tunnel/connect/connect.ts'
import type { Farewell } from '../../src/tunnel/connect/local-client.ts'
import { passwordLogin } from '../../src/tunnel/connect/login/constant.ts'
import { PASSWORD } from './door.ts'

export interface ConnectPort {
  readonly connect: Connect
  readonly lines: readonly string[]
  readonly ends: readonly Farewell[]
  /** amqplib over TCP, with invented credentials unless others are given. */
  client(login?: string): Promise<ChannelModel>
  stop(): Promise<void>
}

/** Starts it on a free port, as `joe.smith` unless another login is given. */
export async function startConnectPort(url: string, options: Partial<ConnectOptions> = {}): Promise<ConnectPort> {
  const lines: string[] = []
  const ends: Farewell[] = []
  const connect = await Connect.start({
    url: new URL(url),
    listen: { host: '127.0.0.1', port: 0 },
    login: passwordLogin('joe.smith', new Secret(PASSWORD)),
    secureContext: async () => undefined,
    localPassword: undefined,
    status: undefined,
    write: (line) => lines.push(line),
    clientEnded: (end) => ends.push(end),
    ...options,
  })
  const clients: ChannelModel[] = []
  return {
    connect,
    lines,
    ends,
    client: async (login = 'any:thing') => {
      const client = await amqplib(`amqp://${login}@${connect.address}/`)
      client.on('error', () => undefined)
      clients.push(client)
      return client
    },
    stop: async () => {
      await Promise.all(clients.map((client) => client.close().catch(() => undefined)))
      await connect.close()
    },
  }
}
