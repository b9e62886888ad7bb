/** Sends a step of a generated script, and says what became of it. */
import type { Arguments, FromBroker, FromClient } from '../../proxy/codec/spec.ts'
import { texts } from './filter-session.ts'
import type { Step } from './permission-script.ts'
import { isClosed, type RawClient } from './raw-client.ts'

/** What a side makes of a step: the answer's name, or the exception's code. */
export async function outcome(client: RawClient, step: Step): Promise<string> {
  const { method, fields } = step
  if (method === 'basic.publish') {
    const headers = step.copies === undefined ? undefined : [{ key: 'CC', ...texts(...step.copies) }]
    const properties = {
      ...(headers === undefined ? {} : { headers }),
      ...(step.replyTo === undefined ? {} : { replyTo: step.replyTo }),
    }
    client.publish(String(fields['exchange']), String(fields['routingKey']), { properties })
    const verdict = await client.verdict()
    return isClosed(verdict) ? `${verdict.refused} ${verdict.code}` : 'published'
  }
  client.send(method as FromClient, fields as Arguments<FromClient>)
  for (;;) {
    const heard = await client.next()
    const { name } = heard
    if (name === 'channel.close' || name === 'connection.close') {
      if (name === 'channel.close') await client.reopen()
      return `${name} ${Number(heard.fields['replyCode'])}`
    }
    if (name === 'basic.consume-ok') await giveBack(client)
    if (isAnswer(name)) return name
  }
}

/** Ends the consumer, and puts back whatever it was delivered. */
async function giveBack(client: RawClient): Promise<void> {
  await client.call('basic.cancel', { consumerTag: 'script', noWait: false }, 'basic.cancel-ok')
  await client.call('basic.recover', { requeue: true }, 'basic.recover-ok')
}

/** Deliveries may come in between. */
function isAnswer(name: string): name is FromBroker {
  return name !== 'basic.deliver' && name !== 'basic.cancel'
}
