/**
 * The gateway behind a real HAProxy that passes connections on below HTTP and TLS, and announces each client by the PROXY
 * protocol, version 1 or 2: sessions have the client's address, and nobody else can announce one.
 */
import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../../src/demo/processes.ts'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { basic, type Door, startDoor } from '../support/door.ts'
import { type ReverseProxy, startHaproxy } from '../support/reverse-proxy.ts'
import { until } from '../support/until.ts'

const CLIENT = '127.0.0.7'
const STRANGER = '127.0.0.9'

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})
after(() => certificates.remove())

for (const version of ['send-proxy', 'send-proxy-v2'] as const) {
  for (const isTls of [false, true]) {
    describe(`behind HAProxy in TCP mode (${version}${isTls ? ', TLS behind it' : ''})`, () => {
      let door: Door
      let proxy: ReverseProxy
      let port: number

      before(async () => {
        const { server } = certificates
        const tls = isTls ? { cert: server.certFile, key: server.keyFile } : undefined
        door = await startDoor({
          listen: { port: 0, proxyProtocol: true, trustedProxies: ['127.0.0.1'], tls },
          service: { require: { addresses: { allow: [CLIENT] } }, refusal: 'http' },
        })
        ;[port = 0] = await freePorts(1)
        proxy = await startHaproxy(
          port,
          `frontend gate
            mode tcp
            bind 127.0.0.1:${port}
            default_backend gatehouse
          backend gatehouse
            mode tcp
            server gate1 127.0.0.1:${door.port} ${version} check inter 200ms`,
        )
      })
      after(async () => {
        await proxy?.stop()
        await door?.stop()
      })

      const connect = (from: string, headers: Record<string, string> = {}) =>
        connectAmqplib(`${isTls ? 'wss' : 'ws'}://localhost:${port}/amqp`, {
          websocket: {
            family: 4,
            localAddress: from,
            ca: certificates.authority.ca,
            headers: { authorization: basic(), ...headers },
          },
        })

      it('gives sessions the address of their client', async () => {
        const { connection } = await connect(CLIENT, { 'x-forwarded-for': STRANGER })
        const line = await door.line('session-opened')
        assert.equal(line['address'], CLIENT)
        await connection.close()
      })

      it('refuses the clients that an address rule leaves out, whatever they say', async () => {
        const refused = connect(STRANGER, { 'x-forwarded-for': CLIENT })
        await assert.rejects(refused, (error) => error instanceof UpgradeRefused && error.status === 403)
        await door.line('authorization-refused', ({ address }) => address === STRANGER)
      })

      it('G71 drops whoever announces an address without being the proxy', async () => {
        const liar = connectTcp({ host: '127.0.0.1', port: door.port, localAddress: STRANGER })
        liar.on('error', () => undefined).resume()
        liar.write(`PROXY TCP4 ${CLIENT} 127.0.0.1 50000 443\r\nGET /amqp HTTP/1.1\r\nHost: x\r\n\r\n`)
        await until(() => liar.closed, 'the end of the connection')
        const line = await door.line('proxy-header-refused', ({ cause }) => cause === 'proxy-untrusted')
        assert.equal(line['address'], STRANGER)
        assert.equal(liar.bytesRead, 0)
      })
    })
  }
}
