/**
 * This process among those that share its state: gateways beside it, and the other processes of its own gateway. What it says of
 * itself, how it reaches them, and what it does about what they say.
 */
import { hostname } from 'node:os'
import type { LoginListener } from '../../../auth/index.ts'
import type { Everywhere } from '../../admin/replicas/everywhere.ts'
import type { Here } from '../../admin/replicas/here.ts'
import type { OrderAnswer, Others } from '../../admin/replicas/others.ts'
import type { Question } from '../../admin/replicas/questions.ts'
import { hashOf } from '../../config/effective/hash.ts'
import { version } from '../../ops/version.ts'
import { writtenIdentity } from '../../state/identity-text.ts'
import type { SharedStore } from '../../state/open.ts'
import type { ReplicaRecord } from '../../state/replicas.ts'
import type { Berth, Captain, Crew } from '../crew/crew.ts'
import type { Compiling, Generation } from '../generation.ts'
import type { UsageChange } from '../lasting.ts'
import type { GatewayAddress } from '../ports.ts'
import { type ActOnNews, actOnNews, type GatewayNews, type NewsParts } from './news.ts'
import { othersOf } from './others-of.ts'
import { SharesOfAll } from './shares.ts'

/** The gateway, as the others see it. */
interface Member {
  readonly current: Generation
  readonly addresses: readonly GatewayAddress[]
  readonly sessionCount: number
}

/** What there is beside this process. */
export interface Beside {
  readonly shared: SharedStore | undefined
  readonly crew: Crew | undefined
  readonly berth: Berth | undefined
  readonly compiling: Pick<Compiling, 'lasting'>
}

/** Longer than any ticket lives, and than a gateway may be cut off from the store without a restart of it being better. */
const KNOWN_MS = 15 * 60 * 1000
/** A renewal is soon followed by the next. */
const RENEWED_MS = 60_000
/** Whoever has not answered by then is named. */
const ANSWER_MS = 1_000

export class Membership {
  /** How all others are reached, processes of this gateway and other gateways; undefined: there are none. */
  readonly others: Others | undefined
  /** Passes the ends and renewals of logins on; undefined: there is nobody. */
  readonly logins: LoginListener | undefined
  readonly #beside: Beside
  readonly #member: Member
  readonly #shares: SharesOfAll | undefined

  constructor(beside: Beside, member: Member) {
    this.#beside = beside
    this.#member = member
    const { shared, crew, berth } = beside
    const replicas = shared === undefined ? undefined : othersOf(shared)
    this.others =
      crew === undefined || replicas === undefined ? (crew?.others ?? replicas) : both(crew.others, replicas)
    const isAlone = shared === undefined && crew === undefined && berth === undefined
    this.logins = isAlone ? undefined : this.#loginNews()
    this.#shares =
      shared &&
      new SharesOfAll({
        lasting: crew?.shares ?? beside.compiling.lasting,
        tell: (changes) => shared.shares.tell(changes),
        hasOthers: () => shared.replicas.others.length > 0,
      })
  }

  get here(): Here {
    const { shared, berth } = this.#beside
    if (berth !== undefined) return { replica: berth.replica, worker: berth.worker }
    return { replica: shared === undefined ? null : this.#name, worker: null }
  }

  /** Somebody was sent away, and is kept out by the other processes of this gateway, too. */
  held(key: string, forMs: number): void {
    this.#beside.berth?.publish({ kind: 'held', key, untilMs: Date.now() + forMs }, forMs)
  }

  /** Acts from now on on what others say, and answers what they ask. @returns acts on the same */
  follow(parts: Omit<NewsParts, 'knowledge'>, everywhere: Everywhere): ActOnNews {
    const { shared, crew } = this.#beside
    const act = actOnNews({ ...parts, knowledge: this.#beside.berth?.knowledge ?? shared?.authState })
    shared?.follow({
      received: async ({ news, atMs }) => {
        // It was sealed by a gateway with the same key.
        const told = news as GatewayNews
        const own = act(told, atMs)
        return crew === undefined ? own : summed([own, ...(await passedTo(crew, told, atMs))])
      },
      async answer(question) {
        try {
          return await everywhere.answer(question as Question)
        } catch (error) {
          parts.log.write('internal-error', { detail: String(error) })
          return undefined
        }
      },
      shares: (gateway, told) => this.#shares?.said(gateway, told as readonly UsageChange[]),
      loginsEnded: (scope, logins) => this.#publish({ kind: 'logins', scope, logins }, KNOWN_MS),
    })
    return act
  }

  /** Called once a second. */
  tick(): void {
    this.#shares?.tick()
  }

  /** Says what this gateway is from now on. */
  describe(): void {
    this.#beside.shared?.replicas.describe(() => this.#record())
  }

  /** What the workers of this gateway need of it. */
  captain(own: Omit<Captain, 'published'>, act: ActOnNews): Captain {
    return {
      ...own,
      published: (news, forMs) => {
        act(news, Date.now())
        if (news.kind !== 'held') void this.#beside.shared?.news.publish(news, { untilMs: Date.now() + forMs })
      },
    }
  }

  #publish(news: GatewayNews, forMs: number): void {
    const { shared, crew, berth } = this.#beside
    void shared?.news.publish(news, { untilMs: Date.now() + forMs })
    crew?.publish(news)
    berth?.publish(news, forMs)
  }

  #loginNews(): LoginListener {
    return {
      ended: ({ sessions, identities }) => this.#publish({ kind: 'ended', sessions, identities }, KNOWN_MS),
      renewed: (sessionKey, identity) =>
        this.#publish({ kind: 'renewed', sessionKey, identity: writtenIdentity(identity) }, RENEWED_MS),
    }
  }

  get #name(): string {
    return `${hostname()}:${this.#member.addresses[0]?.port ?? 0}`
  }

  #record(): ReplicaRecord {
    const { current, sessionCount: sessions } = this.#member
    const { number: generation, config } = current
    return { name: this.#name, version: version(), generation, hash: hashOf(config), sessions }
  }
}

function both(crew: Others, replicas: Others): Others {
  return {
    async pass(...order) {
      const all = await Promise.all([crew.pass(...order), replicas.pass(...order)])
      return { answers: all.flatMap(({ answers }) => answers), notReached: all.flatMap(({ notReached }) => notReached) }
    },
    async ask(...question) {
      const all = await Promise.all([crew.ask(...question), replicas.ask(...question)])
      return { answers: all.flatMap(({ answers }) => answers), notReached: all.flatMap(({ notReached }) => notReached) }
    },
  }
}

/** Orders are answered; of anything else there is nothing to say. */
async function passedTo(crew: Crew, news: GatewayNews, atMs: number): Promise<readonly OrderAnswer[]> {
  if (news.kind === 'blocked' || news.kind === 'unblocked' || news.kind === 'kicked')
    return (await crew.others.pass(news, atMs + ANSWER_MS, atMs)).answers
  crew.publish(news)
  return []
}

function summed(all: readonly (OrderAnswer | undefined)[]): OrderAnswer | undefined {
  const answers = all.filter((one) => one !== undefined)
  if (answers.length === 0) return undefined
  return {
    matched: answers.reduce((sum, { matched }) => sum + matched, 0),
    ended: answers.reduce((sum, { ended }) => sum + ended, 0),
    issuers: [...new Set(answers.flatMap(({ issuers }) => issuers))],
  }
}
