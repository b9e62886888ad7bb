import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  carriesContent,
  causeOf,
  indexOf,
  isFromBroker,
  isFromClient,
  METHOD_COUNT,
  METHOD_NAMES,
  methodIndex,
  methodIndexAt,
} from '../../../../proxy/codec/method.ts'
import { flagOf, PROPERTIES, PROPERTY_NAMES } from '../../../../proxy/codec/properties.ts'
import { METHODS, type MethodSpec } from '../../../../proxy/codec/spec.ts'

interface PublishedField {
  readonly name: string
  readonly type: string
}
interface Published {
  readonly classes: readonly {
    readonly name: string
    readonly id: number
    readonly properties: readonly PublishedField[]
    readonly methods: readonly {
      readonly name: string
      readonly id: number
      readonly content: boolean
      readonly replies: readonly string[]
      readonly fields: readonly PublishedField[]
    }[]
  }[]
}

const published = JSON.parse(
  readFileSync(new URL('../../../../fixtures/amqp-0-9-1-methods.json', import.meta.url), 'utf8'),
) as Published

const ours: Readonly<Record<string, MethodSpec>> = METHODS

/** `delivery-tag` → `deliveryTag`; the one name that the publication spells without its dash is `nowait`. */
function camelCase(name: string): string {
  return name === 'nowait' ? 'noWait' : name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

const publishedMethods = published.classes.flatMap(({ name, id, methods }) =>
  methods.map((method) => ({ ...method, className: name, classId: id, dotted: `${name}.${method.name}` })),
)

describe('the METHODS table', () => {
  it('has the 64 published methods and access.request with its answer', () => {
    const names = [...publishedMethods.map(({ dotted }) => dotted), 'access.request', 'access.request-ok']
    assert.equal(publishedMethods.length, 64)
    assert.deepEqual(Object.keys(METHODS).sort(), names.sort())
  })

  for (const { dotted, classId, id, content, fields } of publishedMethods) {
    it(`describes ${dotted} as published`, () => {
      const spec = ours[dotted]
      assert.deepEqual(spec?.id, [classId, id])
      assert.equal(spec.content === true, content)
      const expected = fields.map(({ name, type }) => [camelCase(name), type])
      assert.deepEqual(Object.entries(spec.fields), expected)
    })
  }

  it('lets the other side answer', () => {
    for (const { className, dotted, replies } of publishedMethods) {
      for (const reply of replies) {
        const asked = ours[dotted]?.from
        const answered = ours[`${className}.${reply}`]?.from
        const expected = asked === 'both' ? 'both' : asked === 'client' ? 'broker' : 'client'
        assert.ok(answered === expected || answered === 'both', `${dotted} is from ${asked}, ${reply} from ${answered}`)
      }
    }
  })

  it('knows the directions that the publication has wrong, and those that RabbitMQ added', () => {
    assert.equal(METHODS['connection.update-secret'].from, 'client')
    assert.equal(METHODS['connection.update-secret-ok'].from, 'broker')
    assert.equal(METHODS['connection.blocked'].from, 'broker')
    assert.equal(METHODS['connection.unblocked'].from, 'broker')
    const both = METHOD_NAMES.filter((name) => METHODS[name].from === 'both')
    assert.deepEqual(both, [
      'connection.close',
      'connection.close-ok',
      'channel.flow',
      'channel.flow-ok',
      'channel.close',
      'channel.close-ok',
      'basic.cancel',
      'basic.cancel-ok',
      'basic.ack',
      'basic.nack',
    ])
  })

  it('marks what is RabbitMQ’s own', () => {
    const marked = METHOD_NAMES.filter((name) => ours[name]?.rabbitmq === true)
    assert.deepEqual(marked, [
      'connection.blocked',
      'connection.unblocked',
      'connection.update-secret',
      'connection.update-secret-ok',
      'access.request',
      'access.request-ok',
      'exchange.bind',
      'exchange.bind-ok',
      'exchange.unbind',
      'exchange.unbind-ok',
      'basic.nack',
      'confirm.select',
      'confirm.select-ok',
    ])
  })
})

describe('the PROPERTIES table', () => {
  it('describes the properties of class basic as published', () => {
    const basic = published.classes.find(({ name }) => name === 'basic')
    const expected = basic?.properties.map(({ name, type }) => [
      name === 'reserved' ? 'clusterId' : camelCase(name),
      type,
    ])
    assert.deepEqual(Object.entries(PROPERTIES), expected)
  })

  it('gives the first property bit 15 and the last bit 2', () => {
    assert.equal(flagOf(PROPERTY_NAMES.indexOf('contentType')), 0x8000)
    assert.equal(flagOf(PROPERTY_NAMES.indexOf('userId')), 0x0010)
    assert.equal(flagOf(PROPERTY_NAMES.indexOf('clusterId')), 0x0004)
  })
})

describe('the index of methods', () => {
  it('is dense, and the same by name, by ids and by bytes', () => {
    assert.equal(METHOD_COUNT, 66)
    METHOD_NAMES.forEach((name, index) => {
      const [classId, methodId] = METHODS[name].id
      assert.equal(indexOf(name), index)
      assert.equal(methodIndex(classId, methodId), index)
      assert.equal(methodIndexAt(Buffer.from([0xff, 0, classId, 0, methodId]), 1, 5), index)
      assert.deepEqual(causeOf(index), { classId, methodId })
    })
  })

  it('has no place for other ids, and none that another pair of ids folds into', () => {
    const known = new Set(METHOD_NAMES.map((name) => METHODS[name].id.join()))
    for (let classId = 0; classId < 300; classId += 1) {
      for (let methodId = 0; methodId < 300; methodId += 1) {
        assert.equal(methodIndex(classId, methodId) >= 0, known.has(`${classId},${methodId}`))
      }
    }
    assert.equal(methodIndex(65535, 65535), -1)
  })

  it('does not look beyond the end for ids', () => {
    assert.equal(methodIndexAt(Buffer.from([0, 10, 0, 10]), 0, 3), -1)
  })

  it('refuses a name that no method has', () => {
    assert.throws(() => indexOf('basic.steal'), RangeError)
    assert.throws(() => indexOf('__proto__'), RangeError)
  })

  it('knows who may send what, and what content follows', () => {
    assert.ok(isFromClient(indexOf('basic.publish')))
    assert.ok(!isFromBroker(indexOf('basic.publish')))
    assert.ok(isFromBroker(indexOf('basic.ack')) && isFromClient(indexOf('basic.ack')))
    assert.ok(!isFromClient(-1) && !isFromBroker(-1) && !carriesContent(-1))
    assert.deepEqual(causeOf(-1), { classId: 0, methodId: 0 })
    const carrying = METHOD_NAMES.filter((_, index) => carriesContent(index))
    assert.deepEqual(carrying, ['basic.publish', 'basic.return', 'basic.deliver', 'basic.get-ok'])
  })
})
