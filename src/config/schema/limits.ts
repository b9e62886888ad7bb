/** What one service lets one session, one identity and one address take. Every default is here. */
import { z } from 'zod'
import { count, duration, size } from './units.ts'

const perIdentity = z
  .strictObject({
    channels: count(1, 1_000_000).optional().describe('Open channels of one identity, over all its sessions.'),
    consumers: count(1, 1_000_000).optional().describe('Consumers of one identity.'),
    queues: count(1, 1_000_000)
      .optional()
      .describe('Queues that the sessions of one identity declared and the broker still has.'),
    exchanges: count(1, 1_000_000)
      .optional()
      .describe('Exchanges that the sessions of one identity declared and did not delete.'),
    unacked: count(1, 65_535)
      .optional()
      .describe('Unacknowledged deliveries per consumer: larger or unlimited prefetch counts are clamped.'),
    publishesPerSecond: count(1, 10_000_000)
      .optional()
      .describe('Messages per second; kept by reading more slowly, never by dropping.'),
    publishBytesPerSecond: size('1KiB', '1024GiB').optional().describe('Body bytes per second; kept likewise.'),
  })
  .describe('Shares of one identity, over all its sessions. Absent: none.')

const buffer = z
  .strictObject({
    high: size('16KiB', '64MiB')
      .prefault('256KiB')
      .describe('Unsent bytes of one leg at which the other leg is no longer read.'),
    low: size('4KiB', '64MiB').prefault('128KiB').describe('Unsent bytes at which reading goes on; below `high`.'),
  })
  .refine(({ high, low }) => low < high, { error: 'expected `low` below `high`', path: ['low'] })
  .describe('Watermarks per leg.')

const fields = {
  handshake: duration('1s', '5m').describe('From the upgrade to `connection.open-ok`, both legs together.'),
  preOpenFrame: size('4KiB', '1MiB').describe('Largest frame before `connection.open-ok`.'),
  frameMax: size('8KiB', '16MiB').describe('Largest frame that is offered; less 4 KiB where headers are stamped.'),
  channelMax: count(1, 65_535).describe('Most channels that are offered.'),
  heartbeat: duration('1s', '18h')
    .refine((ms) => ms % 1000 === 0, { error: 'expected whole seconds' })
    .describe('AMQP heartbeat that is offered.'),
  message: size('1KiB', '512MiB').describe('Largest content body; refused at its header with 311.'),
  buffer,
  sessionsPerIdentity: count(1, 1_000_000).describe('Sessions of one identity at once.'),
  handshakesPerAddress: count(1, 1_000_000).describe('Unfinished handshakes of one client address at once.'),
  ping: duration('1s', '1h').describe('Interval of WebSocket pings; a client that answers none of two is dead.'),
  perIdentity,
}

/** A service's limits, defaults filled in. */
export const limits = z.strictObject({
  handshake: fields.handshake.prefault('10s'),
  preOpenFrame: fields.preOpenFrame.prefault('16KiB'),
  frameMax: fields.frameMax.prefault('128KiB'),
  channelMax: fields.channelMax.prefault(2047),
  heartbeat: fields.heartbeat.prefault('60s'),
  message: fields.message.prefault('16MiB'),
  buffer: fields.buffer.prefault({}),
  sessionsPerIdentity: fields.sessionsPerIdentity.prefault(1000),
  handshakesPerAddress: fields.handshakesPerAddress.prefault(256),
  ping: fields.ping.prefault('25s'),
  perIdentity: fields.perIdentity.prefault({}),
})

/** What a promotion rule may set instead, for those it promotes. */
export const ruleLimits = z
  .strictObject({
    channelMax: fields.channelMax.optional(),
    message: fields.message.optional(),
    sessionsPerIdentity: fields.sessionsPerIdentity.optional(),
    perIdentity: fields.perIdentity.optional(),
  })
  .describe("Instead of the service's, for those whom this rule promotes.")
