/** The two legs of a channel number, each by itself: every event in every state in which it may happen. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BrokerChannel, type BrokerChannelState } from '../../../../../proxy/session/relaying/broker-channel.ts'
import { Cancels } from '../../../../../proxy/session/relaying/cancels.ts'
import { ClientChannel, type ClientChannelState } from '../../../../../proxy/session/relaying/client-channel.ts'

describe('a channel on the client’s leg', () => {
  const cases: readonly (readonly [
    ClientChannelState,
    'asks' | 'tell' | 'answers' | 'over' | 'lets',
    boolean | undefined,
    ClientChannelState,
  ])[] = [
    ['open', 'asks', false, 'asked'],
    ['told', 'asks', true, 'crossed'],
    ['open', 'tell', false, 'told'],
    ['asked', 'tell', true, 'crossed'],
    ['told', 'answers', true, 'closed'],
    ['crossed', 'answers', true, 'closed'],
    ['open', 'answers', false, 'open'],
    ['asked', 'answers', false, 'asked'],
    ['closed', 'answers', false, 'closed'],
    ['asked', 'over', true, 'closed'],
    ['told', 'over', false, 'told'],
    ['crossed', 'over', false, 'crossed'],
    ['closed', 'over', false, 'closed'],
    ['crossed', 'lets', undefined, 'closed'],
    ['told', 'lets', undefined, 'told'],
  ]
  for (const [from, event, says, to] of cases) {
    it(`C23 ${from}: ${event} → ${to}, ${says}`, () => {
      const channel = new ClientChannel()
      channel.state = from
      assert.deepEqual([channel[event](), channel.state], [says, to])
    })
  }
})

describe('a channel on the broker’s leg', () => {
  const cases: readonly (readonly [
    BrokerChannelState,
    string,
    (channel: BrokerChannel) => unknown,
    unknown,
    BrokerChannelState,
  ])[] = [
    ['open', 'ask', (channel) => channel.ask(), true, 'asked'],
    ['asked', 'ask', (channel) => channel.ask(), false, 'asked'],
    ['closed', 'ask', (channel) => channel.ask(), false, 'closed'],
    ['open', 'closes', (channel) => channel.closes(false), true, 'closed'],
    ['open', 'closes within a content', (channel) => channel.closes(true), true, 'owing'],
    ['asked', 'closes', (channel) => channel.closes(false), true, 'closed'],
    ['asked', 'closes within a content', (channel) => channel.closes(true), true, 'owing'],
    ['owing', 'closes', (channel) => channel.closes(true), false, 'owing'],
    ['closed', 'closes', (channel) => channel.closes(false), false, 'closed'],
    ['owing', 'sent', (channel) => channel.sent(), undefined, 'closed'],
    ['asked', 'sent', (channel) => channel.sent(), undefined, 'asked'],
    ['asked', 'over', (channel) => channel.over(), true, 'closed'],
    ['closed', 'over', (channel) => channel.over(), false, 'closed'],
    ['open', 'over', (channel) => channel.over(), false, 'open'],
    ['owing', 'over', (channel) => channel.over(), false, 'owing'],
  ]
  for (const [from, event, act, says, to] of cases) {
    it(`C23 ${from}: ${event} → ${to}, ${says}`, () => {
      const channel = new BrokerChannel()
      channel.state = from
      assert.deepEqual([act(channel), channel.state], [says, to])
    })
  }
})

describe('cancellations on their way', () => {
  it('B36 are answered in the order in which they were sent, those of one tag', () => {
    const cancels = new Cancels()
    cancels.asked('a')
    assert.ok(cancels.withdraw('b'))
    assert.ok(cancels.withdraw('a'))
    assert.deepEqual(
      [cancels.answered('a'), cancels.isWithdrawn('a'), cancels.answered('a'), cancels.isWithdrawn('a')],
      ['client', true, 'gateway', false],
    )
    assert.ok(cancels.isWithdrawn('b'))
  })

  it('B36 withdraw a consumer once, and the next one of its tag again', () => {
    const cancels = new Cancels()
    assert.ok(cancels.withdraw('a'))
    assert.ok(!cancels.withdraw('a'))
    cancels.consumed('a')
    assert.ok(cancels.withdraw('a'))
  })

  it('B36 do not tell a client of an end that the broker has told it of', () => {
    const cancels = new Cancels()
    cancels.withdraw('a')
    cancels.told('a')
    assert.equal(cancels.answered('a'), 'gateway, told')
  })
})
