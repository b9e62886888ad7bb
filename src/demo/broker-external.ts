/** A RabbitMQ that somebody else runs, named by RABBITMQ_URL. Used as it is: never stopped, never configured. */
import { BrokerManagement } from './management.ts'
import type { Provision, Rabbit } from './rabbit.ts'

/** Checks that the broker and its management API answer. @throws Error that says what is missing. */
export async function startExternal(text: string, provision: Provision): Promise<Rabbit> {
  const url = parseUrl(text)
  const username = decodeURIComponent(url.username) || 'guest'
  const password = decodeURIComponent(url.password) || 'guest'
  const managementUrl = provision.env['RABBITMQ_MANAGEMENT_URL'] || `http://${url.hostname}:15672`
  const management = new BrokerManagement(managementUrl, username, password)
  let version: string
  try {
    version = await management.version()
  } catch (cause) {
    throw new Error(
      `RABBITMQ_URL is set, but ${managementUrl} does not answer as the management API for its user; ` +
        'enable rabbitmq_management, make the user an administrator, or set RABBITMQ_MANAGEMENT_URL',
      { cause },
    )
  }
  return {
    kind: 'external',
    version,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 5672 : Number(url.port),
    url: `amqp://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${url.hostname}:${url.port || '5672'}`,
    admin: { username, password },
    management,
    log: () => '',
    ctl: notOurs,
    evaluate: notOurs,
    halt: notOurs,
    restart: notOurs,
    stop: async () => undefined,
  }
}

function parseUrl(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new Error('RABBITMQ_URL is no URL; expected amqp://user:password@host:5672', { cause })
  }
  if (url.protocol !== 'amqp:') throw new Error(`RABBITMQ_URL begins with ${url.protocol}; expected amqp:`)
  return url
}

async function notOurs(): Promise<never> {
  throw new Error('the broker at RABBITMQ_URL is not ours to control; ask for one with source: "private"')
}
