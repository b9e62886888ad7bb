/**
 * The filter that decides what a message says of its publisher: `user-id`, `app-id`, `timestamp`, and headers.
 *
 * With stamps they are what the operator wants, whatever the client sent. Without, a client's `user-id` must be its own and
 * is sent as the broker user. Either way, headers with the gateway's names come from the gateway only.
 */

import { Audit, type AuditSink } from '../../audit.ts'
import type { Properties } from '../../codec/properties.ts'
import { type HeaderChanges, HeaderRewrite } from '../../codec/rewrite.ts'
import { METHODS } from '../../codec/spec.ts'
import { SHORTSTR } from '../../codec/wire.ts'
import { ChannelFault, type SoftCode } from '../../faults.ts'
import type { Filter, FilterChecks, FilterOf, PublishView, SessionView, Verdict } from '../filter.ts'
import { ReservedNames } from './names.ts'

/** How much larger a stamped content header may be: so much room is left between the legs' frame-max. */
export const STAMP_ROOM_BYTES = 4096

const TIMESTAMP_BYTES = 8
const TABLE_LENGTH_BYTES = 4
/** A header's type and the length of its text. [AMQP §4.2.5.5] */
const VALUE_HEAD_BYTES = 5
const FRAME_OVERHEAD_BYTES = 8

const [CLASS_ID, METHOD_ID] = METHODS['basic.publish'].id

/** What every message of a session carries. */
export interface Stamps {
  /** Set to this; '' removes what the client sent; undefined leaves it alone. */
  readonly userId?: string | undefined
  readonly appId?: string | undefined
  /** Seconds since 1970, asked for each message. */
  readonly timestamp?: (() => number) | undefined
  /** Name and text of headers. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/**
 * @param stamps of one session; absent: `user-id` is checked instead, by a filter that serves all sessions
 * @param reserved the names of its headers, where several sessions stamp the same ones
 * @throws RangeError when the stamps do not fit into the room there is, or a value into its property
 */
export function stampFilter(
  stamps: Stamps | undefined,
  sink: AuditSink,
  reserved: ReservedNames = new ReservedNames(stamps?.headers.map(([name]) => name) ?? []),
): Filter {
  return stamps === undefined ? new CheckFilter(sink) : new StampFilter(stamps, sink, reserved)
}

class StampFilter implements FilterOf<Stamping> {
  readonly name = 'stamp'
  readonly stamps = true
  readonly checks = STAMPING
  readonly #stamps: Stamps
  readonly #sink: AuditSink
  readonly #reserved: ReservedNames

  constructor(stamps: Stamps, sink: AuditSink, reserved: ReservedNames) {
    refuseUnfit(stamps)
    this.#stamps = stamps
    this.#sink = sink
    this.#reserved = reserved
  }

  get userId(): string | undefined {
    return this.#stamps.userId === '' ? undefined : this.#stamps.userId
  }

  start(session: SessionView): Stamping {
    return new Stamping(session, this.#sink, { stamps: this.#stamps, reserved: this.#reserved })
  }
}

/** One session's refusals. */
class Refuser {
  readonly session: SessionView
  readonly #sink: AuditSink

  constructor(session: SessionView, sink: AuditSink) {
    this.session = session
    this.#sink = sink
  }

  refuse(channel: number, code: SoftCode, what: string): Verdict {
    new Audit(this.session, this.#sink).record('stamp.refused', { channel, what })
    return { fault: new ChannelFault(code, what, { classId: CLASS_ID, methodId: METHOD_ID }) }
  }

  /** The frame, unless the broker's frames are too small for it. */
  fitting(frame: Buffer, channel: number): Verdict {
    if (frame.length - FRAME_OVERHEAD_BYTES <= this.session.brokerPayloadMax) return frame
    return this.refuse(channel, 'content-too-large', 'content header that has no room for its stamps')
  }
}

/** What one session stamps. */
class Stamping extends Refuser {
  readonly #stamps: Stamps
  readonly #reserved: ReservedNames
  /** Made at the first message, and anew when the second of the timestamp has passed. */
  #changes: HeaderRewrite | undefined
  #second: number | undefined

  constructor(
    session: SessionView,
    sink: AuditSink,
    { stamps, reserved }: { readonly stamps: Stamps; readonly reserved: ReservedNames },
  ) {
    super(session, sink)
    this.#stamps = stamps
    this.#reserved = reserved
  }

  publish({ channel, header }: PublishView): Verdict {
    const second = this.#stamps.timestamp?.()
    if (this.#changes === undefined || second !== this.#second) {
      this.#changes = compiled(this.#stamps, second)
      this.#second = second
    }
    const removed = this.#reserved.areIn(header) ? this.#reserved.isReserved : undefined
    return this.fitting(this.#changes.frame(channel, header, removed), channel)
  }
}

const STAMPING: FilterChecks<Stamping> = { publish: (publish, stamping) => stamping.publish(publish) }

function compiled(stamps: Stamps, second: number | undefined): HeaderRewrite {
  return new HeaderRewrite(changesOf(stamps, second))
}

function changesOf({ userId, appId, headers }: Stamps, second: number | undefined): HeaderChanges {
  const set: Omit<Properties, 'headers'> = {
    ...(second === undefined ? {} : { timestamp: BigInt(second) }),
    ...(userId === undefined || userId === '' ? {} : { userId }),
    ...(appId === undefined ? {} : { appId }),
  }
  return {
    set,
    ...(userId === '' ? { remove: ['userId'] } : {}),
    addHeaders: headers.map(([key, value]) => ({ key, type: 'S', value: Buffer.from(value) })),
  }
}

/** At most so many bytes are added to a content header. @throws RangeError also for a text that no short string can be */
function refuseUnfit({ userId = '', appId = '', timestamp, headers }: Stamps): void {
  let bytes = SHORTSTR.size(userId) + SHORTSTR.size(appId) + (timestamp === undefined ? 0 : TIMESTAMP_BYTES)
  if (headers.length > 0) bytes += TABLE_LENGTH_BYTES
  for (const [name, value] of headers) bytes += SHORTSTR.size(name) + VALUE_HEAD_BYTES + Buffer.byteLength(value)
  if (bytes > STAMP_ROOM_BYTES) throw new RangeError(`stamps take ${bytes} bytes, and ${STAMP_ROOM_BYTES} at most`)
}

/** What is the gateway's where nothing is stamped, and what takes it away. */
const RESERVED = new ReservedNames([])
const CLEANING = new HeaderRewrite({ removeHeaders: RESERVED.isReserved })

/** Without stamps. */
class CheckFilter implements FilterOf<Checking> {
  readonly name = 'stamp'
  readonly checks = CHECKING
  readonly #sink: AuditSink

  constructor(sink: AuditSink) {
    this.#sink = sink
  }

  start(session: SessionView): Checking {
    return new Checking(session, this.#sink)
  }
}

/** What one session's messages are checked by. */
class Checking extends Refuser {
  #translating: HeaderRewrite | undefined

  publish({ channel, header }: PublishView): Verdict {
    const { identity, brokerUser } = this.session
    let changes = RESERVED.areIn(header) ? CLEANING : undefined
    if (header.has('userId')) {
      const userId = header.property('userId')
      if (userId !== identity.subject && userId !== brokerUser) {
        return this.refuse(channel, 'precondition-failed', 'user-id of somebody else')
      }
      if (userId !== brokerUser) {
        this.#translating ??= new HeaderRewrite({ set: { userId: brokerUser }, removeHeaders: RESERVED.isReserved })
        changes = this.#translating
      }
    }
    return changes === undefined ? undefined : this.fitting(changes.frame(channel, header), channel)
  }
}

const CHECKING: FilterChecks<Checking> = { publish: (publish, checking) => checking.publish(publish) }
