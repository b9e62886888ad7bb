/** What happens between the turn in which a configuration comes into force and the one in which a session follows it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Config } from '../../../../../src/config/schema/schema.ts'
import type { Generation } from '../../../../../src/gateway/generation.ts'
import type { EndedByReload } from '../../../../../src/gateway/reloading/ends.ts'
import { Reload, type ReloadHost } from '../../../../../src/gateway/reloading/reload.ts'
import { FilterBasis } from '../../../../../src/services/filter-basis.ts'
import type { Judged } from '../../../../../src/sessions/judge.ts'
import type { Occupant } from '../../../../../src/sessions/place.ts'
import { until } from '../../../../support/until.ts'

const ann = { issuer: 'staff', subject: 'ann', authenticator: 'staff', roles: [], claims: {}, fromCookie: false }
/** Long enough for a turn of its own. */
const ADOPT_MS = 4

const basis = (rules: string) => new FilterBasis(rules, { identity: ann, user: 'webuser', entitlement: undefined })

/** A session that writes down what happens to it. */
class Follower {
  readonly judged: Judged
  readonly record: Judged
  readonly said: string[] = []
  adopting = (): void => {}

  constructor(id: string, service: string) {
    const [broker, node, user, vhost, address] = ['main', undefined, 'webuser', '/', '127.0.0.1']
    const terms = { origin: undefined, basis: basis('old'), entitled: undefined }
    this.judged = { id, service, identity: ann, broker, node, user, vhost, address, ...terms }
    this.record = this.judged
  }

  adopt(_service: unknown, { rule }: { readonly rule: number }): void {
    for (const sinceMs = performance.now(); performance.now() - sinceMs < ADOPT_MS; );
    this.adopting()
    this.said.push(`new ${rule}`)
  }

  end({ reason }: { readonly reason: string }): void {
    this.said.push(reason)
  }
}

function generation(number: number, paths: readonly string[], deciding = () => {}): Generation {
  const everything = { allows: () => true }
  const service = (path: string) => ({
    path,
    broker: 'main',
    requirement: [{ name: 'staff' }],
    roles: [],
    origins: everything,
    addresses: everything,
    decide: () => {
      deciding()
      return { rule: number, basis: basis(`new ${number}`), username: undefined, vhosts: { pinned: '/' } }
    },
  })
  const services = new Map(paths.map((path) => [path, service(path)]))
  return { number, config: { services: [], brokers: {} }, services } as unknown as Generation
}

class Host implements ReloadHost {
  current = generation(1, ['/amqp', '/gone'])
  readonly isStopping = false
  readonly sessions = new Set<Follower>()
  readonly ended: EndedByReload[] = []
  /** Called with each judgement. */
  deciding = (): void => {}
  /** Resolves where other processes have followed. */
  elsewhere: Promise<void> = Promise.resolve()

  read() {
    return { config: this.current.config as Config } as ReturnType<ReloadHost['read']>
  }
  async prepare() {
    const next = generation(this.current.number + 1, ['/amqp'], this.deciding)
    const apply = (): Promise<void> => {
      this.current = next
      return this.elsewhere
    }
    return { next, apply, abandon: () => undefined }
  }
  liveSessions(): Iterable<Occupant> {
    return this.sessions as unknown as Iterable<Occupant>
  }
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await work()
  }
  end(chosen: readonly EndedByReload[]): void {
    this.ended.push(...chosen)
  }
  add(id: string, service = '/amqp'): Follower {
    const follower = new Follower(id, service)
    this.sessions.add(follower)
    return follower
  }
}

describe('sessions that follow a reload', () => {
  it('follow in turns of their own, and end where there is no room for them', async () => {
    const host = new Host()
    const followers = ['a', 'b', 'c'].map((id) => host.add(id))
    const gone = host.add('d', '/gone')
    let turns = 0
    const going = setInterval(() => {
      turns += 1
    }, 0)
    const { sessions, generation: number } = await new Reload(host).run()
    clearInterval(going)
    assert.deepEqual([number, sessions], [2, { kept: 0, changed: 3, ended: 1 }])
    assert.deepEqual(
      followers.map(({ said }) => said),
      [['new 2'], ['new 2'], ['new 2']],
    )
    assert.ok(turns >= 2, `${turns} turns`)
    assert.deepEqual(
      host.ended.map(({ session }) => session),
      [gone],
    )
  })

  it('leave those alone that begin in between: these begin by the new one', async () => {
    const host = new Host()
    const late: Follower[] = []
    host.add('a').adopting = () => late.push(host.add('late'))
    host.add('b')
    const { sessions } = await new Reload(host).run()
    assert.deepEqual(sessions, { kept: 0, changed: 2, ended: 0 })
    assert.deepEqual(late[0]?.said, [])
  })

  it('are not kept from it by one that cannot', async () => {
    const host = new Host()
    const broken = host.add('a')
    broken.adopting = () => {
      throw new Error('broken')
    }
    const other = host.add('b')
    await new Reload(host).run()
    assert.deepEqual([broken.said, other.said], [['internal-error'], ['new 2']])
  })

  it('are all as before where one cannot be judged', async () => {
    const host = new Host()
    const followers = ['a', 'b'].map((id) => host.add(id))
    host.deciding = () => {
      throw new Error('broken')
    }
    await assert.rejects(new Reload(host).run(), { name: 'ReloadRefused', code: 'invalid', errors: ['broken'] })
    assert.equal(host.current.number, 1)
    for (const { said } of followers) assert.deepEqual(said, [])
  })

  it('are waited for, wherever they are, before the next one', async () => {
    const host = new Host()
    let followed = (): void => {}
    host.elsewhere = new Promise((resolve) => {
      followed = resolve
    })
    const first = host.add('a')
    const reload = new Reload(host)
    let isDone = false
    const done = reload.run().then(() => {
      isDone = true
    })
    await until(() => first.said.length > 0, 'the session to follow')
    assert.equal(isDone, false)
    await assert.rejects(reload.run(), /another reload is under way/)
    followed()
    await done
  })

  it('follow one in a worker before the next is prepared', async () => {
    const host = new Host()
    const followers = ['a', 'b', 'c'].map((id) => host.add(id))
    const reload = new Reload(host)
    const [first, second] = [await reload.prepare(host.current.config), await reload.prepare(host.current.config)]
    second.abandon()
    const following = first.apply()
    await (await reload.prepare(host.current.config)).apply()
    await following
    for (const { said } of followers) assert.deepEqual(said, ['new 2', 'new 3'])
  })
})
