/** The RabbitMQ of a test, by its URL: what the gateway has to know of it, and whether it is there. */
import { Inquiry, InquiryEnded, TcpDialler } from '../proxy/index.ts'
import { BROKER_FAILURES } from '../src/brokers/broker-failures.ts'

const DEFAULT_PORT = 5672
const TIMEOUT_MS = 5_000
const HINT = 'Start one, for instance: docker run --rm -p 5672:5672 rabbitmq'

export interface BrokerPlace {
  readonly host: string
  readonly port: number
  /** Without credentials. */
  readonly url: string
  readonly username: string
  readonly password: string
  readonly vhost: string
}

/** @throws TypeError, without showing the password */
export function brokerAt(text: string): BrokerPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const [username, password, vhost] = [url?.username, url?.password, url?.pathname.slice(1)].map(decoded)
  if (url?.protocol !== 'amqp:' || url.hostname === '' || [username, password, vhost].includes(undefined))
    throw new TypeError(
      'broker: expected amqp://USER:PASSWORD@HOST:PORT/VHOST, such as amqp://guest:guest@127.0.0.1:5672',
    )
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port)
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    url: `amqp://${url.hostname}:${port}`,
    username: username || 'guest',
    password: password || 'guest',
    vhost: vhost || '/',
  }
}

/** Undefined where a `%` begins no character. */
function decoded(text = ''): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Logs in once. @throws Error that says what to do where it cannot */
export async function checkBroker({ host, port, url, username, password, vhost }: BrokerPlace): Promise<void> {
  const dialler = new TcpDialler({ tls: false, host, port }, { proxyProtocol: false })
  const response = () => Buffer.from(`\0${username}\0${password}`)
  try {
    const credential = { username, mechanisms: ['PLAIN'] as const, response }
    const inquiry = await Inquiry.open({ dialler, credential, vhost, timeoutMs: TIMEOUT_MS })
    await inquiry.close()
  } catch (error) {
    if (!(error instanceof InquiryEnded)) throw error
    const { failure = 'other', message } = error
    const isAway = failure === 'unreachable' || failure === 'timeout' || failure === 'hung-up'
    const who = isAway ? '' : ` as ${username} in vhost ${vhost}`
    const remedy = isAway ? HINT : BROKER_FAILURES[failure].remedy
    throw new Error(`no RabbitMQ for the test at ${url}${who}: ${message.replace(/\.+$/, '')}. ${remedy}`, {
      cause: error,
    })
  }
}
