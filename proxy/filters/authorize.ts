/**
 * The filter that decides what a client may do: every method against NEEDS, every publish with its content header, before
 * one byte of it is forwarded.
 *
 * It keeps, for one session, what deciding takes (declared queues, consumers, reply addresses) and asks the policy. What is
 * refused is `channel.close` 403 with the need and the subject; nothing is repaired, but for the empty queue name, which is
 * forwarded as the name it stands for.
 */
import { indexOf, type MethodView } from '../codec/method.ts'
import type { FromClient } from '../codec/spec.ts'
import { endLostConsumers, judgeConsume } from './authorize-consume.ts'
import { judgeExchangeDeclare, judgeQueueDeclare } from './authorize-declare.ts'
import { judgeOf } from './authorize-judge.ts'
import { judgePublish } from './authorize-publish.ts'
import { AuthorizeSession, type Judge } from './authorize-session.ts'
import type { Authorizer } from './authorizer.ts'
import type { Filter, FilterChecks, Verdict } from './filter.ts'
import { NEEDS_ROWS } from './needs.ts'
import { Audit, type AuditSink } from './observe-events.ts'

/** What the rows cannot say; `basic.publish` has its own way in. */
const SPECIAL: { readonly [M in FromClient]?: Judge } = {
  'exchange.declare': judgeExchangeDeclare,
  'queue.declare': judgeQueueDeclare,
  'basic.consume': judgeConsume,
  'basic.cancel': (method, { consumers }) => {
    consumers.stopped(method.channel, method.field('consumerTag'))
    return undefined
  },
}

const JUDGES: readonly (readonly [FromClient, Judge])[] = Object.entries(NEEDS_ROWS).flatMap(([key, row]) => {
  const name = key as FromClient
  const judge = SPECIAL[name] ?? judgeOf(name, row)
  return judge === undefined || name === 'basic.publish' ? [] : [[name, judge] as const]
})

const JUDGE_OF: ReadonlyMap<number, Judge> = new Map(JUDGES.map(([name, judge]) => [indexOf(name), judge]))

/** `policy` is one session's: it knows for whom it decides. */
export function authorizeFilter(policy: Authorizer, sink: AuditSink): Filter {
  return {
    name: 'authorize',
    start(session): FilterChecks {
      const audit = new Audit(session, sink)
      const state = new AuthorizeSession(session, policy, audit)
      let revision = policy.revision
      const { queues, consumers, replies } = state
      // One function for all methods: sessions are many.
      const judged = (method: MethodView): Verdict => (JUDGE_OF.get(method.index) as Judge)(method, state)
      return {
        toBroker: Object.fromEntries(JUDGES.map(([name]) => [name, judged])),
        publish: (publish) => judgePublish(publish, state),
        toClient: {
          'queue.declare-ok': (method) => {
            queues.declared(method.channel, method.field('queue'))
          },
          'basic.consume-ok': (method) => consumers.started(method.channel, method.field('consumerTag')),
          'basic.cancel': (method) => consumers.stopped(method.channel, method.field('consumerTag')),
        },
        delivery: (_channel, header) => replies.learn(header.property('replyTo') ?? ''),
        deliveryWith: ['replyTo'],
        channelClosed: (channel) => {
          queues.channelClosed(channel)
          consumers.channelClosed(channel)
        },
        tick: () => {
          if (policy.revision === revision) return
          revision = policy.revision
          endLostConsumers(session, state, audit)
        },
      }
    },
  }
}
