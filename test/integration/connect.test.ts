/** `gatehouse connect`: clients that speak AMQP over TCP reach a real RabbitMQ through a gateway, and read why they do not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket, connect as tcp } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { Secret } from '../../auth/index.ts'
import { PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { decodeMethod, METHOD_IDS_BYTES } from '../../proxy/codec/method.ts'
import type { ConnectOptions } from '../../src/tunnel/connect/connect.ts'
import { passwordLogin } from '../../src/tunnel/connect/login/constant.ts'
import { CommandProcess } from '../support/command-process.ts'
import { type ConnectPort, startConnectPort } from '../support/connect-port.ts'
import { PASSWORD } from '../support/door.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { until, within } from '../support/until.ts'

const DEADLINE_MS = 60_000

describe('clients over TCP, through connect', () => {
  let live: LiveGateway
  let port: ConnectPort
  before(async () => {
    live = await startLiveGateway()
    port = await startConnectPort(live.url())
  })
  after(async () => {
    await port.stop()
    await live.stop()
  })

  it('publish, confirm and consume as the person who logged in, whatever they claim', async () => {
    const client = await port.client('guest:guest')
    const channel = await client.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    const large = Buffer.alloc(3_000_000, 'x')
    const got = new Promise<Buffer>((resolve) => {
      void channel.consume(queue, (message) => message && resolve(message.content), { noAck: true })
    })

    channel.sendToQueue(queue, large)
    await within(channel.waitForConfirms(), 'the confirm', DEADLINE_MS)

    assert.ok((await within(got, 'the message', DEADLINE_MS)).equals(large))
    const connections = await until(async () => {
      const all = await live.broker.connections()
      return all.length > 0 && all
    })
    assert.deepEqual(
      connections.map(({ user }) => user),
      [live.users.smithj.username],
    )
    await client.close()
  })

  it('are fifty, with one login', async () => {
    const clients = await within(
      Promise.all(Array.from({ length: 50 }, () => port.client())),
      '50 clients',
      DEADLINE_MS,
    )
    const rounds = clients.map(async (client) => {
      const channel = await client.createConfirmChannel()
      const { queue } = await channel.assertQueue('', { exclusive: true })
      channel.sendToQueue(queue, Buffer.from('x'))
      await channel.waitForConfirms()
      await client.close()
    })
    await within(Promise.all(rounds), 'their messages', DEADLINE_MS)
    await until(() => port.connect.health.clients === 0, 'the end of all', DEADLINE_MS)
    assert.ok(port.ends.every(({ opened, lost, fault }) => opened && !lost && fault === undefined))
  })

  it('may send update-secret for their own password: the gateway never sees it', async () => {
    const client = await port.client()
    await client.updateSecret(Buffer.from('CANARY-local-password'), 'renewed')
    const channel = await client.createChannel()
    await channel.close()
    await client.close()
  })

  it('get the refusal of a permission from the gateway, as anywhere', async () => {
    const client = await port.client()
    const channel = await client.createChannel()
    const error = once(channel, 'error')
    await assert.rejects(channel.checkQueue('no-such-queue'), /404/)
    await error
    await client.close()
  })

  it('that stop reading hold up their own session only, and nothing grows', async () => {
    const client = await port.client()
    const channel = await client.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
    for (let n = 0; n < 40; n++) channel.sendToQueue(queue, Buffer.alloc(1_000_000))
    await within(channel.waitForConfirms(), 'the confirms', DEADLINE_MS)
    const before = process.memoryUsage().rss
    let count = 0
    await channel.consume(queue, () => (count += 1), { noAck: true })
    stream.pause()
    const other = await port.client()
    const another = await other.createConfirmChannel()
    await within(another.waitForConfirms(), 'somebody else', DEADLINE_MS)
    await other.close()
    stream.resume()
    await until(() => count === 40, 'all messages', DEADLINE_MS)
    assert.ok(process.memoryUsage().rss - before < 200_000_000)
    await client.close()
  })

  it('that speak something else get the header of AMQP 0-9-1 and the end', async () => {
    const { port: number = 0 } = port.connect
    const socket = tcp(number, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\n\r\n')
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    assert.equal(bytes.toString('hex'), '414d515000000901')
    await within(once(socket, 'close'), 'the end', DEADLINE_MS)
  })
})

describe('a client that cannot go on', () => {
  let live: LiveGateway
  before(async () => {
    live = await startLiveGateway()
  })
  after(() => live.stop())

  async function refusal(port: ConnectPort, login?: string): Promise<string> {
    try {
      const error = await within(port.client(login), 'an answer', DEADLINE_MS).then(
        () => 'connected',
        (caught: Error) => caught.message,
      )
      return error
    } finally {
      await port.stop()
    }
  }

  it('reads 403 and why, where the gateway refuses the login', async () => {
    const login = passwordLogin('joe.smith', new Secret('wrong'))
    const port = await startConnectPort(live.url(), { login })
    assert.match(
      await refusal(port),
      /403 \(ACCESS-REFUSED\).*"ACCESS_REFUSED - the gateway refuses: not authenticated/,
    )
  })

  it('reads 403, where a path has no service', async () => {
    const port = await startConnectPort(live.url('/nowhere'))
    assert.match(await refusal(port), /403 .*no service here \(404\)/)
  })

  it('reads 320 where nobody answers, after bounded retries', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port: number } = server.address() as AddressInfo
    server.close()
    const port = await startConnectPort(`ws://127.0.0.1:${number}/amqp`)
    assert.match(await refusal(port), /320 \(CONNECTION-FORCED\).*no gateway answers at 127\.0\.0\.1/)
  })

  it('reads 320 where its gateway goes away in the middle', async () => {
    const own = await startLiveGateway()
    const port = await startConnectPort(own.url())
    const client = await port.client()
    const closed = once(client, 'close')
    await own.stop()
    const [error] = (await within(closed, 'the end', DEADLINE_MS)) as [Error]
    assert.match(error.message, /320/)
    await port.stop()
  })

  it('reads 403, where the machine wants a password that it does not know; with it, it goes on', async () => {
    const localPassword = new Secret('local word')
    const wrong = await startConnectPort(live.url(), { localPassword })
    assert.match(await refusal(wrong, 'any:guess'), /403 .*local password/)
    const right = await startConnectPort(live.url(), { localPassword })
    assert.equal(await refusal(right, 'any:local%20word'), 'connected')
  })

  it('may choose only what shows a password, where one is wanted', async () => {
    const free = await started({})
    assert.match(free.mechanisms.toString(), /EXTERNAL/)
    const { mechanisms, ...others } = await started({ localPassword: new Secret('local word') })
    assert.equal(mechanisms.toString(), 'PLAIN AMQPLAIN')
    assert.deepEqual({ ...others, mechanisms: free.mechanisms }, free)
  })

  /** What a client reads first. */
  async function started(options: Partial<ConnectOptions>) {
    const port = await startConnectPort(live.url(), options)
    const socket = tcp(port.connect.port ?? 0, '127.0.0.1')
    try {
      socket.write(PROTOCOL_HEADER)
      const reader = new FrameReader(64 * 1024)
      for await (const chunk of socket) {
        reader.push(chunk as Buffer)
        if (reader.next()) break
      }
      return decodeMethod('connection.start', reader.buffer, reader.payloadStart + METHOD_IDS_BYTES, reader.payloadEnd)
    } finally {
      socket.destroy()
      await port.stop()
    }
  }
})

describe('the command', () => {
  let live: LiveGateway
  before(async () => {
    live = await startLiveGateway()
  })
  after(() => live.stop())

  it('runs a program with AMQP_URL and ends with its exit code', async () => {
    const script = `
      const { connect } = require('amqplib')
      connect(process.env.AMQP_URL).then(async (client) => {
        const channel = await client.createChannel()
        const { queue } = await channel.assertQueue('', { exclusive: true })
        console.log('queue ' + queue)
        await client.close()
        process.exit(process.env.GATEHOUSE_PASSWORD === undefined ? 7 : 8)
      })`
    const args = ['connect', live.url(), '--user', 'joe.smith', '--', process.execPath, '-e', script]
    const command = new CommandProcess(args, { GATEHOUSE_PASSWORD: PASSWORD })
    assert.deepEqual(await command.exit(), { code: 7, signal: null }, command.stderr)
    assert.match(command.stdout, /queue amq\.gen/)
  })

  it('ends with 77 after the first client, where the gateway refuses', async () => {
    const args = ['connect', live.url(), '--user', 'joe.smith', '--once', '--listen', '127.0.0.1:0']
    const command = new CommandProcess([...args, '--status', '127.0.0.1:0'], { GATEHOUSE_PASSWORD: 'wrong' })
    const [, address] = await until(() => /connect to (\S+);/.exec(command.stderr), 'the port', DEADLINE_MS)
    const [, status] = await until(() => /health on port (\d+)/.exec(command.stderr), 'the status', DEADLINE_MS)
    const health = (await (await fetch(`http://127.0.0.1:${status}/health`)).json()) as Record<string, unknown>
    assert.equal(health['login'], 'password')
    const [host, port] = (address ?? '').split(':')
    const socket = tcp(Number(port), host)
    socket.write(Buffer.from('414d515000000901', 'hex'))
    const [start] = (await once(socket, 'data')) as [Buffer]
    assert.equal(start.subarray(7, 11).toString('hex'), '000a000a')
    socket.destroy()
    const { code } = await command.exit()
    assert.equal(code, 77, command.stderr)
  })
})
