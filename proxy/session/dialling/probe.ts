/** Whether a broker answers: it is dialled and has to greet, nothing more. For readiness, never for a session. */
import { FRAME_METHOD, PROTOCOL_HEADER } from '../../codec/frame.ts'
import { FrameReader } from '../../codec/frame-reader.ts'
import { indexOf, methodIndexAt } from '../../codec/method.ts'
import type { BrokerFailure } from './broker-failure.ts'
import { BrokerUnavailable, type Dialler, GiveUp } from './dialler.ts'

const START = indexOf('connection.start')
const START_FRAME_BYTES = 131_072

/** Not the address of any client: brokers that are shown one get their own gateway's. */
const CLIENT_ADDRESS = '127.0.0.1'

/**
 * Resolves with the node that greeted with `connection.start`.
 * @throws BrokerUnavailable with operators' text
 */
export async function probeBroker(dialler: Dialler, timeoutMs: number): Promise<string> {
  const endsAt = performance.now() + timeoutMs
  const { stream, node } = await dialler.dial({ clientAddress: CLIENT_ADDRESS, timeoutMs, giveUp: new GiveUp() })
  return new Promise((resolve, reject) => {
    const reader = new FrameReader(START_FRAME_BYTES)
    const finish = (problem: string | undefined, failure: BrokerFailure = 'other'): void => {
      clearTimeout(timer)
      stream.removeAllListeners('data').removeAllListeners('close').destroy()
      if (problem === undefined) resolve(node)
      else reject(new BrokerUnavailable(`${node}: ${problem}`, failure))
    }
    const timer = setTimeout(
      () => finish('no connection.start in time', 'timeout'),
      Math.max(1, endsAt - performance.now()),
    )
    stream.on('error', (error) => finish(error.message))
    stream.on('close', () => finish('closed without connection.start', 'hung-up'))
    stream.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      try {
        if (!reader.next()) return
        const { type, buffer, payloadStart, payloadEnd } = reader
        finish(
          type === FRAME_METHOD && methodIndexAt(buffer, payloadStart, payloadEnd) === START
            ? undefined
            : 'does not greet as a broker does',
        )
      } catch {
        finish('does not speak AMQP 0-9-1')
      }
    })
    stream.write(PROTOCOL_HEADER)
  })
}
