/**
 * The filter that decides what a message says of its publisher: `user-id`, `app-id`, `timestamp`, and headers.
 *
 * With stamps they are what the operator wants, whatever the client sent. Without, a client's `user-id` must be its own and
 * is sent as the broker user. Either way, headers with the gateway's names come from the gateway only.
 */
import { METHODS } from '../codec/spec.ts'
import { ChannelFault, type SoftCode } from '../faults.ts'
import type { Filter, FilterChecks, PublishView, SessionView, Verdict } from './filter.ts'
import { Audit, type AuditSink } from './observe-events.ts'
import { ReservedNames } from './stamp-names.ts'
import { type Stamps, StampWriter } from './stamp-writer.ts'

export type { Stamps } from './stamp-writer.ts'

/** How much larger a stamped content header may be: so much room is left between the legs' frame-max. */
export const STAMP_ROOM_BYTES = 4096

const [CLASS_ID, METHOD_ID] = METHODS['basic.publish'].id

/**
 * @param stamps of one session; absent: `user-id` is checked instead
 * @throws RangeError when the stamps do not fit into the room there is, or a value into its property
 */
export function stampFilter(stamps: Stamps | undefined, sink: AuditSink): Filter {
  const names = new ReservedNames(stamps?.headers.map(([name]) => name) ?? [])
  if (stamps === undefined)
    return { name: 'stamp', start: (session) => check(session, names, new Audit(session, sink)) }
  const writer = new StampWriter(stamps, names)
  if (writer.bytes > STAMP_ROOM_BYTES)
    throw new RangeError(`stamps take ${writer.bytes} bytes, and ${STAMP_ROOM_BYTES} at most`)
  return {
    name: 'stamp',
    stamps: true,
    start(session): FilterChecks {
      const refuse = refusing(new Audit(session, sink))
      return {
        publish({ channel, header }): Verdict {
          return fitting(writer.write(channel, header, names.bytesIn(header)), channel, session, refuse)
        },
      }
    },
  }
}

/** Without stamps. */
function check(session: SessionView, names: ReservedNames, audit: Audit): FilterChecks {
  const { subject } = session.identity
  const refuse = refusing(audit)
  const cleaner = new StampWriter({ headers: [] }, names)
  const translator = new StampWriter({ userId: session.brokerUser, headers: [] }, names)
  return {
    publish({ channel, header }: PublishView): Verdict {
      const reservedBytes = names.bytesIn(header)
      let writer = reservedBytes > 0 ? cleaner : undefined
      if (header.has('userId')) {
        const userId = header.property('userId')
        if (userId !== subject && userId !== session.brokerUser)
          return refuse(channel, 'precondition-failed', 'user-id of somebody else')
        if (userId !== session.brokerUser) writer = translator
      }
      if (writer === undefined) return undefined
      return fitting(writer.write(channel, header, reservedBytes), channel, session, refuse)
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
  if (frame.length - 8 <= session.brokerPayloadMax) return frame
  return refuse(channel, 'content-too-large', 'content header that has no room for its stamps')
}
