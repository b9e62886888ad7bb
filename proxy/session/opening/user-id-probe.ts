/**
 * Whether the broker takes messages whose `user-id` is not the broker user's: RabbitMQ does so only from users with the tag
 * `impersonator`, and otherwise closes the channel with 406. Asked once, before the client hears `open-ok`, on a channel of
 * the gateway's own, which is closed again; the message has no body and nowhere to go.
 *
 * Not a permission: a broker user that may not write to the default exchange cannot be asked, and its first message tells.
 */
import { encodeContentHeader } from '../../codec/content.ts'
import { FRAME_HEADER, FRAME_METHOD, frame } from '../../codec/frame.ts'
import type { FrameReader } from '../../codec/frame-reader.ts'
import { checkShape, decodeMethod, METHOD_IDS_BYTES, METHOD_NAMES, methodFrame } from '../../codec/method.ts'
import { ConnectionFault, SOFT_CODES } from '../../faults.ts'
import type { Filter } from '../../filters/filter.ts'
import { readMethodIndex } from '../relaying/to-broker.ts'

/** Free again before the client may use it. */
const CHANNEL = 1

/** No queue is called so: names with this beginning are the broker's to give. */
const NOWHERE = 'amq.gatehouse-probe'

/** The `user-id` that a session's messages carry, where it is another than the broker user. */
export function otherUserId(filters: readonly Filter[], brokerUser: string): string | undefined {
  for (const { userId } of filters) if (userId !== undefined) return userId === brokerUser ? undefined : userId
  return undefined
}

/** The question as whole frames: a channel is opened, a message published, the channel closed. */
export function userIdQuestion(userId: string): Buffer {
  const publish = { exchange: '', routingKey: NOWHERE, mandatory: false, immediate: false }
  return Buffer.concat([
    methodFrame(CHANNEL, 'channel.open', {}),
    methodFrame(CHANNEL, 'basic.publish', publish),
    frame(FRAME_HEADER, CHANNEL, encodeContentHeader({ bodySize: 0, properties: { userId } })),
    methodFrame(CHANNEL, 'channel.close', { replyCode: 200, replyText: 'asked', classId: 0, methodId: 0 }),
  ])
}

/** What one frame of the broker's says: more to come, with what is owed for it; refused, in the broker's words; or done. */
export type UserIdAnswer = { readonly owed?: Buffer } | { readonly refused: string } | 'done'

/** @throws ConnectionFault: the broker's, when it is no answer */
export function userIdAnswer({ type, channel, buffer, payloadStart, payloadEnd }: FrameReader): UserIdAnswer {
  if (type !== FRAME_METHOD || channel !== CHANNEL)
    throw new ConnectionFault('unexpected-frame', 'a channel that nobody opened')
  const index = readMethodIndex(buffer, payloadStart, payloadEnd)
  checkShape(index, buffer, payloadStart + METHOD_IDS_BYTES, payloadEnd)
  const name = METHOD_NAMES[index]
  if (name === 'channel.open-ok') return {}
  if (name === 'channel.close-ok') return 'done'
  if (name !== 'channel.close') throw new ConnectionFault('command-invalid', `${name} out of order`)
  const { replyCode, replyText } = decodeMethod(name, buffer, payloadStart + METHOD_IDS_BYTES, payloadEnd, checkShape)
  if (replyCode === SOFT_CODES['precondition-failed']) return { refused: `${replyCode} ${replyText}` }
  return { owed: methodFrame(CHANNEL, 'channel.close-ok', {}) }
}
