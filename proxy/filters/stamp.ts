/**
 * The filter that decides what a message says of its publisher: `user-id`, `app-id`, `timestamp`, and headers.
 *
 * With stamps they are what the operator wants, whatever the client sent. Without, a client's `user-id` must be its own and
 * is sent as the broker user. Either way, headers with the gateway's names come from the gateway only.
 */
import type { ContentHeader } from '../codec/content.ts'
import type { Properties } from '../codec/properties.ts'
import { type HeaderChanges, HeaderRewrite } from '../codec/rewrite.ts'
import { METHODS } from '../codec/spec.ts'
import { ChannelFault, type SoftCode } from '../faults.ts'
import type { Filter, FilterChecks, PublishView, SessionView, Verdict } from './filter.ts'
import { Audit, type AuditSink } from './observe-events.ts'
import { ReservedNames } from './stamp-names.ts'

/** How much larger a stamped content header may be: so much room is left between the legs' frame-max. */
export const STAMP_ROOM_BYTES = 4096

const SHORTSTR_MAX_BYTES = 255
/** What a value adds beside its own bytes, at most: its length, its type, and the table's length. */
const VALUE_OVERHEAD_BYTES = 9
const TIMESTAMP_BYTES = 8
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
 * @param stamps of one session; absent: `user-id` is checked instead
 * @throws RangeError when the stamps do not fit into the room there is, or a value into its property
 */
export function stampFilter(stamps: Stamps | undefined, sink: AuditSink): Filter {
  if (stamps === undefined) return { name: 'stamp', start: (session) => check(session, new Audit(session, sink)) }
  refuseTooLarge(stamps)
  const stamper = new Stamper(stamps, new ReservedNames(stamps.headers.map(([name]) => name)))
  return {
    name: 'stamp',
    stamps: true,
    ...(stamps.userId === undefined || stamps.userId === '' ? {} : { userId: stamps.userId }),
    start(session): FilterChecks {
      const refuse = refusing(new Audit(session, sink))
      return {
        publish: ({ channel, header }) => fitting(stamper.frame(channel, header), channel, session, refuse),
      }
    },
  }
}

/** The compiled changes, made anew when the second of the timestamp has passed. */
class Stamper {
  readonly #stamps: Stamps
  readonly #names: ReservedNames
  #second = -1
  #adding: HeaderRewrite
  #cleaning: HeaderRewrite

  constructor(stamps: Stamps, names: ReservedNames) {
    this.#stamps = stamps
    this.#names = names
    this.#adding = new HeaderRewrite(changesOf(stamps, undefined))
    this.#cleaning = this.#adding
    this.#compile(stamps.timestamp?.())
  }

  frame(channel: number, header: ContentHeader): Buffer {
    const second = this.#stamps.timestamp?.()
    if (second !== undefined && second !== this.#second) this.#compile(second)
    return (this.#names.areIn(header) ? this.#cleaning : this.#adding).frame(channel, header)
  }

  #compile(second: number | undefined): void {
    const changes = changesOf(this.#stamps, second)
    this.#second = second ?? -1
    this.#adding = new HeaderRewrite(changes)
    this.#cleaning = new HeaderRewrite({ ...changes, removeHeaders: (name) => this.#names.has(name) })
  }
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

function refuseTooLarge({ userId = '', appId = '', timestamp, headers }: Stamps): void {
  for (const value of [userId, appId]) {
    if (Buffer.byteLength(value) > SHORTSTR_MAX_BYTES)
      throw new RangeError(`a property takes at most ${SHORTSTR_MAX_BYTES} bytes`)
  }
  const texts = [userId, appId, ...headers.flat()]
  const bytes = texts.reduce((sum, value) => sum + Buffer.byteLength(value) + VALUE_OVERHEAD_BYTES, 0)
  const room = STAMP_ROOM_BYTES - (timestamp === undefined ? 0 : TIMESTAMP_BYTES)
  if (bytes > room) throw new RangeError(`stamps take ${bytes} bytes, and ${room} at most`)
}

/** What is the gateway's where nothing is stamped, and what takes it away. */
const RESERVED = new ReservedNames([])
const isReserved = (name: string): boolean => RESERVED.has(name)
const CLEANING = new HeaderRewrite({ removeHeaders: isReserved })

/** Without stamps. */
function check(session: SessionView, audit: Audit): FilterChecks {
  const { subject } = session.identity
  const refuse = refusing(audit)
  let translating: HeaderRewrite | undefined
  return {
    publish({ channel, header }: PublishView): Verdict {
      let changes = RESERVED.areIn(header) ? CLEANING : undefined
      if (header.has('userId')) {
        const userId = header.property('userId')
        if (userId !== subject && userId !== session.brokerUser) {
          return refuse(channel, 'precondition-failed', 'user-id of somebody else')
        }
        if (userId !== session.brokerUser) {
          translating ??= new HeaderRewrite({ set: { userId: session.brokerUser }, removeHeaders: isReserved })
          changes = translating
        }
      }
      return changes === undefined ? undefined : fitting(changes.frame(channel, header), channel, session, refuse)
    },
  }
}

type Refuse = (channel: number, code: SoftCode, what: string) => Verdict

function refusing(audit: Audit): Refuse {
  return (channel, code, what) => {
    audit.record('stamp.refused', { channel, what })
    return { fault: new ChannelFault(code, what, { classId: CLASS_ID, methodId: METHOD_ID }) }
  }
}

/** The frame, unless the broker's frames are too small for it. */
function fitting(frame: Buffer, channel: number, session: SessionView, refuse: Refuse): Verdict {
  if (frame.length - FRAME_OVERHEAD_BYTES <= session.brokerPayloadMax) return frame
  return refuse(channel, 'content-too-large', 'content header that has no room for its stamps')
}
