/** What answers at the listeners of a gateway: upgrades, and the requests around them. */

import { Admission } from '../../http/admission.ts'
import { Routes } from '../../http/auth/routes.ts'
import type { TicketCookies } from '../../http/auth/ticket-cookies.ts'
import { begin } from '../../http/begin.ts'
import { type DoorEvents, DoorListener } from '../../http/door-listener.ts'
import { HandedListener } from '../../http/handed-listener.ts'
import { Listener, type ListenerEvents } from '../../http/listener.ts'
import { Refuser } from '../../http/refuser.ts'
import { noteUnheard } from '../../http/server/unheard.ts'
import type { ServingSource } from '../../http/serving.ts'
import { Upgrades } from '../../http/upgrade.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Pressure } from '../../ops/pressure.ts'
import type { Traffic } from '../../ops/traffic.ts'
import type { Bars } from '../../sessions/bars.ts'
import type { Drain } from '../../sessions/drain.ts'
import type { EntitledSessions } from '../../sessions/entitled-sessions.ts'
import type { Sessions } from '../../sessions/registry.ts'
import type { Berth, Crew } from '../crew/crew.ts'
import type { GatewayParts } from '../parts.ts'
import type { InheritedSockets } from './inherited-sockets.ts'
import { type ListenerMakers, Listeners } from './listeners.ts'

export interface ListenersParts {
  readonly log: Log
  readonly metrics: Metrics
  readonly sessions: Sessions
  readonly entitled: EntitledSessions
  readonly traffic: Traffic
  readonly serving: ServingSource
  readonly bars: Bars
  readonly ticketCookies: TicketCookies
  readonly pressure: Pressure
  readonly drain: Pick<Drain, 'refuses'>
  readonly inherited: InheritedSockets
  readonly leases: GatewayParts['leases']
  readonly withinBudget: GatewayParts['withinBudget']
  readonly crew: Crew | undefined
  readonly berth: Berth | undefined
  /** Called for each upgrade request. */
  upgrading(): void
}

export function makeListeners(parts: ListenersParts): Listeners {
  const { pressure, drain, crew, berth } = parts
  const common = { ...parts, admission: new Admission() }
  const refuser = new Refuser(common)
  const upgrades = new Upgrades({
    ...common,
    isDraining: () => drain.refuses,
    refuse: (attempt, refusal) => refuser.refuse(attempt, refusal),
    begin: (attempt, admitted) => begin(attempt, admitted, common),
  })
  const routes = new Routes(common)
  const { withinBudget: budgeted = async (work) => await work() } = parts
  const events: ListenerEvents = {
    request: (request, response, hop) => void budgeted(async () => await routes.handle(request, response, hop)),
    upgrade: (request, socket, head, hop) => {
      parts.upgrading()
      void budgeted(async () => await upgrades.handle(request, socket, head, hop))
    },
    hasRoom: () => pressure.takesConnections,
    ...noteUnheard(parts),
  }
  const doors: DoorEvents = {
    joined: (url) => parts.log.write('door-joined', { url }),
    away: (url, detail) => parts.log.write('door-away', { url, detail }),
  }
  const make: ListenerMakers = {
    atAddress: (options) =>
      crew?.listener(options) ??
      (berth === undefined ? new Listener(options, events) : new HandedListener(options, events)),
    behindDoors: crew === undefined ? (options) => new DoorListener(options, { ...events, doors }) : undefined,
  }
  return new Listeners(make, parts.inherited)
}
