/**
 * Tuning, each leg for itself. The client is offered what both the broker and the limits allow, never 0 (0 means "no
 * limit" and confuses clients); the broker leg then takes what the client chose, no smaller than brokers accept.
 */
import type { Fields } from '../../codec/spec.ts'
import { ConnectionFault } from '../../faults.ts'
import { STAMP_ROOM_BYTES } from '../../filters/stamp/stamp.ts'
import type { SessionLimits } from '../ports.ts'

export type Tune = Fields<'connection.tune'>

/** The smallest frame-max any peer may ask for. [AMQP §4.2.3, frame-min-size] */
const FRAME_MIN_BYTES = 4096

/** RabbitMQ 4.1 and later refuse less than this. */
const BROKER_FRAME_MIN_BYTES = 8192

const CAUSE = { classId: 10, methodId: 31 }

/** What the client is offered in front of a broker that proposes `broker`. */
export function offer(broker: Tune, limits: SessionLimits, stamps: boolean): Tune {
  const frameMax = smaller(broker.frameMax, limits.frameMaxBytes)
  return {
    channelMax: smaller(broker.channelMax, limits.channelMax),
    frameMax: stamps ? Math.max(FRAME_MIN_BYTES, frameMax - STAMP_ROOM_BYTES) : frameMax,
    heartbeat: limits.heartbeatSeconds,
  }
}

/** Checks the client's choice against the offer; the heartbeat is as the client likes, 0 too. @throws ConnectionFault */
export function checkChoice(choice: Tune, offered: Tune): void {
  if (choice.channelMax === 0 || choice.channelMax > offered.channelMax) {
    throw new ConnectionFault(
      'not-allowed',
      `negotiated channel_max = ${choice.channelMax} is outside 1..${offered.channelMax}`,
      CAUSE,
    )
  }
  if (choice.frameMax < FRAME_MIN_BYTES || choice.frameMax > offered.frameMax) {
    throw new ConnectionFault(
      'not-allowed',
      `negotiated frame_max = ${choice.frameMax} is outside ${FRAME_MIN_BYTES}..${offered.frameMax}`,
      CAUSE,
    )
  }
}

/** Our own choice towards the broker: the client's, with room for stamps, at least what brokers accept. */
export function brokerChoice(choice: Tune, broker: Tune, limits: SessionLimits, stamps: boolean): Tune {
  const wanted = Math.max(choice.frameMax + (stamps ? STAMP_ROOM_BYTES : 0), BROKER_FRAME_MIN_BYTES)
  return {
    channelMax: choice.channelMax,
    frameMax: smaller(broker.frameMax, wanted),
    heartbeat: broker.heartbeat === 0 ? limits.heartbeatSeconds : broker.heartbeat,
  }
}

/** The smaller of a proposal, where 0 means unlimited, and a bound. */
function smaller(proposal: number, bound: number): number {
  return proposal === 0 ? bound : Math.min(proposal, bound)
}
