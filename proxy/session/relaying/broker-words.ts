/** The words with which the broker closes channels or the connection: all of them for operators, the fit ones for the client. */
import { METHOD_IDS_BYTES, METHOD_NAMES, methodIndexAt } from '../../codec/method.ts'
import type { Fields, MethodName } from '../../codec/spec.ts'
import { HARD_CODES } from '../../faults.ts'
import { type Ending, peerClosed } from '../closing/ending.ts'
import type { Opened } from '../opening/handshake.ts'
import type { SessionObserver, SessionOptions } from '../ports.ts'
import { type KnownNames, safeReplyText } from './reply-text.ts'

type Close = Fields<'channel.close'>

/** Closes that are no answer to a method: a goodbye, and one that an operator of the broker has asked for. */
const NO_REFUSALS = new Set<number>([200, HARD_CODES['connection-forced']])

export class BrokerWords {
  readonly #observer: SessionObserver
  readonly #known: KnownNames

  constructor(options: Pick<SessionOptions, 'credential' | 'identity' | 'observer' | 'dialler'>, opened: Opened) {
    this.#observer = options.observer
    this.#known = {
      brokerUser: options.credential.username,
      subject: options.identity.subject,
      vhost: opened.vhost,
      requestedVhost: opened.requestedVhost,
      hosts: options.dialler.hosts,
    }
  }

  /** @returns the text that the client may read */
  closesChannel(channel: number, close: Close): string {
    this.#tell(channel, close)
    return safeReplyText(close.replyCode, close.replyText, this.#known)
  }

  closesConnection(close: Close): Ending {
    if (!NO_REFUSALS.has(close.replyCode)) this.#tell(0, close)
    return peerClosed(close, this.#known)
  }

  #tell(channel: number, close: Close): void {
    const { replyCode, replyText: text } = close
    this.#observer.channelClosed?.({ channel, replyCode, text, method: methodOf(close) })
  }
}

/** The method that the broker could not do; with ids of 0 there was none. */
function methodOf({ classId, methodId }: Close): MethodName | undefined {
  const ids = Buffer.alloc(METHOD_IDS_BYTES)
  ids.writeUInt16BE(classId, 0)
  ids.writeUInt16BE(methodId, 2)
  return METHOD_NAMES[methodIndexAt(ids, 0, ids.length)]
}
