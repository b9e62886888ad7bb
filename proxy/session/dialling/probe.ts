/** Whether a broker answers: it is dialled and has to greet, nothing more. For readiness, never for a session. */
import { FRAME_METHOD, PROTOCOL_HEADER } from '../../codec/frame.ts'
import { FrameReader } from '../../codec/frame-reader.ts'
import { indexOf, methodIndexAt } from '../../codec/method.ts'
import type { BrokerTarget } from '../ports.ts'
import { BrokerUnavailable, dial, urlText } from './dial.ts'

const START = indexOf('connection.start')
const START_FRAME_BYTES = 131_072

/**
 * Resolves with the URL that greeted with `connection.start`.
 * @throws BrokerUnavailable with operators' text
 */
export async function probeBroker(target: BrokerTarget, timeoutMs: number): Promise<string> {
  const endsAt = performance.now() + timeoutMs
  const { socket, url } = await dial(target, '127.0.0.1', timeoutMs)
  return new Promise((resolve, reject) => {
    const reader = new FrameReader(START_FRAME_BYTES)
    const finish = (problem: string | undefined): void => {
      clearTimeout(timer)
      socket.removeAllListeners('data').removeAllListeners('close').destroy()
      if (problem === undefined) resolve(urlText(url))
      else reject(new BrokerUnavailable(`${urlText(url)}: ${problem}`, 'other'))
    }
    const timer = setTimeout(() => finish('no connection.start in time'), Math.max(1, endsAt - performance.now()))
    socket.on('error', (error) => finish(error.message))
    socket.on('close', () => finish('closed without connection.start'))
    socket.on('data', (chunk: Buffer) => {
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
    socket.write(PROTOCOL_HEADER)
  })
}
