/** The shapes of what the management API answers, as schemas: the OpenAPI document shows them. */
import { z } from 'zod'
import type { ReloadReport } from '../../gateway/reloading/report.ts'
import type { Explained } from '../../services/explain.ts'
import type { ShownSample } from '../live/history.ts'
import type { PeoplePage } from '../live/people.ts'
import type { ShownRefusal } from '../live/recent-refusals.ts'
import type { NotReached } from '../replicas/everywhere.ts'
import { ROLES } from '../roles.ts'
import type { ShownOverview } from '../routes/overview.ts'
import type { ShownDetail } from '../routes/shown-session.ts'
import type { Blocked, Kicked, SessionPage, ShownBlock } from '../shapes.ts'

const at = z.iso.datetime().describe('RFC 3339 in UTC.')
const count = z.int().min(0)
const perSecond = z.number()
const maybe = z.string().nullable()
const texts = z.array(z.string())
const listOf = <T extends z.ZodType>(item: T) => z.strictObject({ items: z.array(item) })

const rates = {
  opened: perSecond,
  ended: perSecond,
  refused: perSecond,
  bytesFromClient: perSecond,
  bytesToClient: perSecond,
  messagesFromClient: perSecond,
  messagesToClient: perSecond,
}

const node = z.strictObject({
  name: z.string().describe('Host and port.'),
  url: z.string(),
  up: z.boolean(),
  sessions: count,
})

const overview = z.strictObject({
  name: z.string(),
  version: z.string(),
  generation: count,
  hash: z.string(),
  draining: z.boolean(),
  audit: z
    .literal('failing')
    .nullable()
    .describe('failing: a service refuses what it cannot record, and nothing can be recorded.'),
  sessions: count,
  services: z.array(z.strictObject({ path: z.string(), sessions: count })),
  brokers: z.array(z.strictObject({ name: z.string(), ready: z.boolean(), nodes: z.array(node) })),
  rates: z.strictObject(rates).describe('Per second, over the last ten to twenty seconds.'),
  replicas: z
    .array(
      z.strictObject({ name: z.string(), version: z.string(), generation: count, hash: z.string(), sessions: count }),
    )
    .nullable()
    .describe('Gateways that share their state; null while the store is away.'),
  notReached: texts,
  workers: z
    .array(z.strictObject({ number: count, pid: count, sessions: count, startedAt: at }))
    .describe('The processes that serve; empty where there is one process only.'),
}) satisfies z.ZodType<ShownOverview>

const me = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  authenticator: z.string(),
  role: z.enum(ROLES).describe('The highest one.'),
  mayLogOut: z.boolean().describe('Whether `POST /auth/logout` ends what proves it.'),
})

const history = listOf(
  z.strictObject({
    at,
    sessions: count,
    ...rates,
    eventLoopDelay: z.number().describe('The longest one, in ms.'),
    refusals: z.record(z.string(), count).describe('By cause.'),
  }) satisfies z.ZodType<ShownSample>,
)

const sessionFields = {
  id: z.string(),
  subject: z.string(),
  issuer: z.string(),
  authenticator: z.string(),
  roles: texts,
  service: z.string(),
  broker: z.string(),
  node: maybe,
  user: z.string().describe('The broker user.'),
  vhost: maybe,
  address: z.string(),
  openedAt: at,
  expiresAt: at.nullable(),
  rule: count.describe('Index of the promotion rule that won.'),
  client: z.strictObject({ product: z.string(), version: z.string(), connectionName: z.string() }).nullable(),
  channels: count,
  consumers: count,
  bytesFromClient: count,
  bytesToClient: count,
  messagesFromClient: count,
  messagesToClient: count,
  replica: maybe,
  worker: count.nullable(),
}

const limit = z.strictObject({ used: z.number().nullable(), of: z.number() })
const permission = z.strictObject({
  permission: z.enum(['configure', 'write', 'read']),
  kind: z.enum(['queue', 'exchange']),
  name: z.string(),
  routingKey: maybe,
  place: z.string(),
})
const refusedMethod = z.strictObject({
  at,
  event: z.string(),
  method: maybe,
  channel: count.nullable(),
  detail: z.string(),
  allow: maybe,
})

const liveRates = z.strictObject({
  bytesFromClient: perSecond,
  bytesToClient: perSecond,
  messagesFromClient: perSecond,
  messagesToClient: perSecond,
})

const session = z.strictObject({
  ...sessionFields,
  limits: z.record(z.string(), limit).nullable(),
  permissions: z.array(permission).nullable(),
  refusals: z.array(refusedMethod),
  rates: liveRates.nullable().describe('Per second, over the last five to ten seconds.'),
}) satisfies z.ZodType<ShownDetail>

const people = z.strictObject({
  total: count,
  items: z.array(
    z.strictObject({
      subject: z.string(),
      issuer: z.string(),
      service: z.string(),
      sessions: count,
      rates: liveRates,
      limits: z.record(z.string(), limit).nullable(),
    }),
  ),
  notReached: texts,
}) satisfies z.ZodType<PeoplePage & NotReached>

const sessions = z.strictObject({
  total: count,
  page: count,
  pageSize: count,
  items: z.array(z.strictObject(sessionFields)),
  notReached: texts,
}) satisfies z.ZodType<SessionPage>

const kicked = z.strictObject({ matched: count, ended: count, notReached: texts }) satisfies z.ZodType<Kicked>

const block = {
  id: z.string(),
  subject: z.string(),
  issuer: maybe.describe('null: of every issuer.'),
  until: at,
  reason: z.string(),
  by: z.string(),
}

const blocks = listOf(z.strictObject(block) satisfies z.ZodType<ShownBlock>)

const blocked = z.strictObject({
  ...block,
  ended: count,
  issuers: texts,
  notReached: texts,
}) satisfies z.ZodType<Blocked>

const draining = z.strictObject({ draining: z.boolean(), sessions: count })

const config = z.strictObject({ generation: count, hash: z.string(), config: z.record(z.string(), z.unknown()) })

const reload = z.strictObject({
  generation: count,
  hash: z.string(),
  changes: texts,
  sessions: z.strictObject({ kept: count, changed: count, ended: count }),
  examples: z
    .array(z.strictObject({ session: z.string(), subject: z.string(), service: z.string(), why: z.string() }))
    .optional(),
}) satisfies z.ZodType<ReloadReport>

const explained = z.strictObject({
  service: z.string(),
  broker: z.string(),
  subject: z.string(),
  issuer: z.string(),
  authenticator: z.string(),
  address: z.string(),
  word: z.string().describe('The subject as it stands in patterns.'),
  rules: z.array(
    z.strictObject({
      index: count,
      effect: z.string(),
      outcome: z.enum(['won', 'passed-over', 'not-reached']),
      reason: z.string(),
    }),
  ),
  promoted: z
    .strictObject({
      rule: count,
      user: maybe,
      mechanisms: texts,
      vhosts: texts,
      isPinned: z.boolean(),
      tags: texts,
      connectionName: z.string(),
      connectionNameWithClients: z.string(),
    })
    .nullable(),
  refused: maybe,
  may: z.array(z.strictObject({ question: z.string(), allowed: z.boolean().nullable(), because: z.string() })),
}) satisfies z.ZodType<Explained>

const tally = {
  index: count,
  when: z.unknown().describe('Whom it is for, as configured.'),
  hits: count,
  since: at,
  lastAt: at.nullable(),
}

const rules = listOf(
  z.strictObject({
    service: z.string(),
    rules: z.array(z.strictObject({ ...tally, effect: z.string() })),
    permissions: z.array(z.strictObject(tally)),
  }),
)

const refusals = z.strictObject({
  items: z.array(
    z.strictObject({
      at,
      cause: z.string(),
      subject: maybe,
      issuer: maybe,
      authenticator: maybe.describe('Which one refused, or proved who was refused later.'),
      address: maybe,
      service: maybe,
      origin: maybe,
      detail: maybe,
      allow: maybe.describe('The line of the configuration that would have let them in.'),
      replica: maybe,
    }) satisfies z.ZodType<ShownRefusal>,
  ),
  notReached: texts,
})

const problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: count,
  detail: z.string(),
  errors: texts.optional().describe('Every mistake, with its place.'),
  role: z.string().optional().describe('The role that is needed.'),
  logins: texts.optional().describe('OpenID logins that would help: `/auth/login?with=NAME`.'),
})

/** By what they answer. */
export const ANSWER_SHAPES = {
  overview,
  me,
  history,
  people,
  session,
  sessions,
  kicked,
  blocks,
  blocked,
  draining,
  config,
  reload,
  explained,
  rules,
  refusals,
  problem,
}
