/** The console's files: what is served, under which policy, and that nothing in them needs more than it allows. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { problemAnswer, send } from '../../../../../src/admin/answer.ts'
import { Console } from '../../../../../src/admin/console/console.ts'
import { ApiProblem } from '../../../../../src/admin/problem.ts'

describe('Console', () => {
  let server: Server
  let url: string
  let isOffered = true

  before(async () => {
    const console = new Console(() => isOffered)
    server = createServer((request, response) => {
      console.answer(request, request.url ?? '').then(
        (answer) => send(request, response, answer),
        (error: unknown) => {
          assert.ok(error instanceof ApiProblem)
          send(request, response, problemAnswer(error))
        },
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => server.close())

  it('has its paths and no others', () => {
    for (const path of ['/console', '/console/', '/console/console.js']) assert.ok(Console.has(path), path)
    for (const path of ['/', '/consoles', '/console.js', '/CONSOLE/']) assert.ok(!Console.has(path), path)
  })

  it('serves each file by its type, under a strict policy', async () => {
    for (const [name, type] of [
      ['', 'text/html; charset=utf-8'],
      ['console.js', 'text/javascript; charset=utf-8'],
      ['console.css', 'text/css; charset=utf-8'],
      ['icon.svg', 'image/svg+xml'],
      ['licences.txt', 'text/plain; charset=utf-8'],
    ] as const) {
      const answer = await fetch(`${url}/console/${name}`)
      assert.equal(answer.status, 200, name)
      assert.equal(answer.headers.get('content-type'), type)
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
      const policy = answer.headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'.*require-trusted-types-for 'script'/)
      assert.doesNotMatch(policy, /unsafe|\*|https?:|data:|nonce|sha\d/)
      assert.ok((await answer.text()).length > 100, name)
    }
  })

  it('has no script and no style within its page, and names nothing elsewhere', async () => {
    const html = await (await fetch(`${url}/console/`)).text()

    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|https?:|\/\//)
  })

  it('keeps the licences of what is in it', async () => {
    const text = await (await fetch(`${url}/console/licences.txt`)).text()

    assert.match(text, /^preact$/m)
    assert.match(text, /^uplot$/m)
  })

  it('is asked again by browsers, and says when nothing is new', async () => {
    const first = await fetch(`${url}/console/console.css`)
    const tag = String(first.headers.get('etag'))
    assert.match(tag, /^"[\w-]{43}"$/)
    assert.equal(first.headers.get('cache-control'), 'no-cache')

    const second = await fetch(`${url}/console/console.css`, { headers: { 'If-None-Match': tag } })

    assert.deepEqual([second.status, await second.text()], [304, ''])
  })

  it('sends who forgets the slash to the page, also behind a prefix', async () => {
    const answer = await fetch(`${url}/console`, { redirect: 'manual' })

    assert.deepEqual([answer.status, answer.headers.get('location')], [308, 'console/'])
  })

  it('refuses writes, and paths that are no file of its own', async () => {
    const post = await fetch(`${url}/console/`, { method: 'POST', body: 'x' })
    assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD'])
    for (const name of ['none', '..%2fserver.ts', 'page/console.tsx', 'console.js/', '__proto__'])
      assert.equal((await fetch(`${url}/console/${name}`)).status, 404, name)
    const head = await fetch(`${url}/console/`, { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
  })

  it('does not exist where there is no API', async () => {
    isOffered = false
    const answer = await fetch(`${url}/console/`)
    isOffered = true

    assert.equal(answer.status, 404)
  })
})
