/**
 * Records what real clients send in one whole session with a real RabbitMQ: fixtures/transcripts/*.hex. Run by hand when
 * a client has a new version; test/integration/recording.test.ts replays what is recorded.
 *
 *   node --import tsx scripts/record-transcripts.ts
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'amqplib'
import { type ClientPage, startClientPage } from '../test/support/client-page.ts'
import { PASSWORD } from '../test/support/door.ts'
import { type LiveGateway, startLiveGateway } from '../test/support/live-gateway.ts'
import { runPika } from '../test/support/pika.ts'
import { startTap } from '../test/support/tap.ts'
import { TRANSCRIPTS, transcriptText } from '../test/support/transcripts.ts'

const CLAIMED = { username: 'transcript-user', password: 'transcript-password', vhost: 'transcripts' }
/** Nothing in it may differ from one recording to the next. */
const BODY = Buffer.from(Array.from({ length: 9_000 }, (_, at) => at % 251))

async function versionOf(name: string): Promise<string> {
  const text = await readFile(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const PIKA = `
import pika, sys, json
body = bytes(at % 251 for at in range(9000))
url = 'amqp://${CLAIMED.username}:${CLAIMED.password}@127.0.0.1:' + sys.argv[1] + '/${CLAIMED.vhost}'
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
channel.exchange_declare('t.exchange', 'topic', durable=True)
channel.queue_declare('t.queue', durable=True, arguments={'x-max-length': 1000})
channel.queue_bind('t.queue', 't.exchange', 't.#')
channel.basic_qos(prefetch_count=10)
properties = pika.BasicProperties(content_type='text/plain', delivery_mode=2, headers={'n': 1, 'text': 'Grüße'})
for part in (b'small', body, b''):
    channel.basic_publish('t.exchange', 't.key', part, properties, mandatory=True)
def on_message(channel, method, properties, body):
    channel.basic_ack(method.delivery_tag)
    if method.delivery_tag == 3:
        channel.stop_consuming()
channel.basic_consume('t.queue', on_message, consumer_tag='t.consumer')
channel.start_consuming()
channel.basic_get('t.queue', auto_ack=True)
channel.queue_unbind('t.queue', 't.exchange', 't.#')
channel.queue_delete('t.queue')
channel.exchange_delete('t.exchange')
channel.close()
connection.close()
print(json.dumps(pika.__version__))
`

async function amqplib(port: number): Promise<string> {
  const { username, password, vhost } = CLAIMED
  const connection = await connect(`amqp://${username}:${password}@127.0.0.1:${port}/${vhost}`)
  const channel = await connection.createConfirmChannel()
  await channel.assertExchange('t.exchange', 'topic')
  await channel.assertQueue('t.queue', { maxLength: 1_000 })
  await channel.bindQueue('t.queue', 't.exchange', 't.#')
  await channel.prefetch(10)
  for (const part of [Buffer.from('small'), BODY, Buffer.alloc(0)]) {
    channel.publish('t.exchange', 't.key', part, {
      persistent: true,
      headers: { n: 1, text: 'Grüße' },
      mandatory: true,
    })
  }
  await channel.waitForConfirms()
  await new Promise<void>((resolve) => {
    let seen = 0
    const onMessage = (message: Parameters<Parameters<typeof channel.consume>[1]>[0]) => {
      if (message !== null) channel.ack(message)
      if (++seen === 3) resolve()
    }
    void channel.consume('t.queue', onMessage, { consumerTag: 't.consumer' })
  })
  await channel.cancel('t.consumer')
  await channel.get('t.queue')
  await channel.unbindQueue('t.queue', 't.exchange', 't.#')
  await channel.deleteQueue('t.queue')
  await channel.deleteExchange('t.exchange')
  await channel.close()
  await connection.close()
  return `amqplib ${await versionOf('amqplib')}`
}

async function save(name: string, client: string, bytes: Buffer): Promise<void> {
  await writeFile(new URL(`${name}.hex`, TRANSCRIPTS), transcriptText({ client, ...CLAIMED, bytes }))
  process.stderr.write(`${client}: ${bytes.length} bytes\n`)
}

/** Through a tap straight to the broker, as they are meant to be used. */
async function overTcp(live: LiveGateway): Promise<void> {
  const clients = {
    amqplib,
    pika: async (port: number) => `pika ${String(await runPika(PIKA, [String(port)]))}`,
  }
  for (const [name, session] of Object.entries(clients)) {
    const tap = await startTap(live.broker)
    const client = await session(tap.port)
    await save(name, client, (await tap.connection()).fromClient)
    await tap.close()
  }
}

async function inBrowser(page: ClientPage, live: LiveGateway): Promise<void> {
  await page.load(live)
  const writes = await page.call<string[]>('record', 'joe.smith', PASSWORD, CLAIMED, [...BODY])
  const client = `amqp-client.js ${await versionOf('@cloudamqp/amqp-client')}`
  await save('amqp-client.js', client, Buffer.from(writes.join(''), 'hex'))
}

const page = await startClientPage()
const live = await startLiveGateway({ origins: [page.origin] })
try {
  await mkdir(TRANSCRIPTS, { recursive: true })
  const { management } = live.broker.rabbit
  await management.addUser(CLAIMED.username, CLAIMED.password)
  await management.addVhost(CLAIMED.vhost)
  await management.permit(CLAIMED.username, CLAIMED.vhost)
  await overTcp(live)
  await inBrowser(page, live)
  await management.removeVhost(CLAIMED.vhost)
  await management.removeUser(CLAIMED.username)
} finally {
  await page.stop()
  await live.stop()
}
