/** Clients that come back by themselves, as browsers' libraries do: what each was told, when, and when it was back. */
import { setTimeout as pause } from 'node:timers/promises'
import { DrainClient, type DrainDoor } from './drain-load.ts'
import { Random } from './random.ts'

/** One end of one connection of a client. */
export interface Absence {
  readonly client: number
  readonly replyText: string
  readonly closeCode: number
  readonly awayAtMs: number
  backAtMs: number
}

/** Between an end and the next attempt, at random: all at once would be a herd. */
const PAUSE_MS = [100, 600] as const

export class RoamingClients {
  /** In the order of the ends. */
  readonly absences: Absence[] = []
  readonly #door: DrainDoor
  readonly #random: Random
  readonly #roaming: Promise<void>[] = []
  readonly #connected = new Map<number, DrainClient>()
  #isOver = false

  private constructor(door: DrainDoor, seed: number) {
    this.#door = door
    this.#random = new Random(seed)
  }

  static async open(door: DrainDoor, count: number, seed = 1): Promise<RoamingClients> {
    const clients = new RoamingClients(door, seed)
    for (let at = 0; at < count; at++) clients.#roaming.push(clients.#roam(at, await clients.#connect()))
    return clients
  }

  /** How many have a session. */
  get connectedCount(): number {
    return this.#connected.size
  }

  /** Those that ended after a moment. */
  since(atMs: number): readonly Absence[] {
    return this.absences.filter(({ awayAtMs }) => awayAtMs >= atMs)
  }

  async stop(): Promise<void> {
    this.#isOver = true
    for (const client of this.#connected.values()) client.vanish()
    await Promise.all(this.#roaming)
  }

  async #connect(): Promise<DrainClient> {
    return await DrainClient.open(this.#door, 'idle', '', this.#random)
  }

  async #roam(at: number, first: DrainClient): Promise<void> {
    for (let client: DrainClient | undefined = first; client !== undefined; ) {
      this.#connected.set(at, client)
      await client.ended(0)
      this.#connected.delete(at)
      if (this.#isOver) return
      const { replyText, closeCode, endedMs } = client
      const absence = { client: at, replyText, closeCode, awayAtMs: endedMs, backAtMs: Number.POSITIVE_INFINITY }
      this.absences.push(absence)
      client = await this.#comeBack()
      absence.backAtMs = performance.now()
    }
  }

  async #comeBack(): Promise<DrainClient | undefined> {
    while (!this.#isOver) {
      const [least, most] = PAUSE_MS
      await pause(least + this.#random.below(most - least))
      try {
        return await this.#connect()
      } catch {
        // It tries again, as long as it takes.
      }
    }
    return undefined
  }
}
