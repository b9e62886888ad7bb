/** Origins with a star and of apps: what a list is for, and nothing beside it, whatever a client writes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { originProblem } from '../../src/config/origin-pattern.ts'
import { OriginRule } from '../../src/services/origin.ts'

const PREVIEW = 'https://*.preview.example.com'
const rule = new OriginRule([PREVIEW, 'http://*.dev.example.com:8080', 'capacitor://localhost'])

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/).filter((one) => !one.startsWith('xn--'))
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))

describe('a star in origins', () => {
  it('G2 is one label or more, whole, on that scheme and port', () => {
    fc.assert(
      fc.property(host, (below) => {
        assert.ok(rule.allows(`https://${below}.preview.example.com`))
        assert.ok(rule.allows(`http://${below}.dev.example.com:8080`))
        assert.equal(rule.allows(`http://${below}.preview.example.com`), false)
        assert.equal(rule.allows(`https://${below}.preview.example.com:8443`), false)
        assert.equal(rule.allows(`http://${below}.dev.example.com`), false)
        assert.equal(rule.allows(`https://${below}preview.example.com`), false)
        assert.equal(rule.allows(`https://${below}.preview.example.com.${below}`), false)
      }),
    )
  })

  const TRICKS: readonly ((below: string) => string)[] = [
    () => 'https://preview.example.com',
    () => 'https://.preview.example.com',
    () => PREVIEW,
    (below) => `https://evilpreview.example.com/${below}`,
    (below) => `https://${below}.preview.example.com.`,
    (below) => `https://${below}..preview.example.com`,
    (below) => `https://.${below}.preview.example.com`,
    (below) => `https://${below}.preview.example.com/`,
    (below) => `https://${below}.preview.example.com:443`,
    (below) => `https://${below}.preview.example.com:`,
    (below) => `https://${below}.PREVIEW.example.com`,
    (below) => `HTTPS://${below}.preview.example.com`,
    (below) => `https://evil.example#.${below}.preview.example.com`,
    (below) => `https://evil.example?.${below}.preview.example.com`,
    (below) => `https://evil.example/.${below}.preview.example.com`,
    (below) => `https://evil.example\\.${below}.preview.example.com`,
    (below) => `https://evil.example:443.${below}.preview.example.com`,
    (below) => `https://${below}.preview.example.com@evil.example`,
    (below) => `https://evil.example@${below}.preview.example.com`,
    (below) => `https://${below}.preview.example.com, https://evil.example`,
    (below) => `https://evil.example https://${below}.preview.example.com`,
    (below) => `https://${below}%2epreview.example.com`,
    (below) => `https://${below}\u3002preview.example.com`,
    (below) => `https://${below}\uff0epreview.example.com`,
    (below) => `https://é${below}.preview.example.com`,
    (below) => `https://${below}.preview.exa\u00admple.com`,
    (below) => `https://${below}\t.preview.example.com`,
    (below) => `https://*.${below}.preview.example.com`,
    (below) => `https://-${below}.preview.example.com`,
    (below) => `wss://${below}.preview.example.com`,
    (below) => `https:${below}.preview.example.com`,
    (below) => `https:///${below}.preview.example.com`,
    (below) => `https://[::1].${below}.preview.example.com`,
    (below) => ` https://${below}.preview.example.com`,
    (below) => `blob:https://${below}.preview.example.com`,
    (below) => `https://${'a.'.repeat(150)}${below}.preview.example.com`,
  ]

  it('G2 is taken in by no trick with suffix, port, case, dot, user or alphabet', () => {
    fc.assert(
      fc.property(host, fc.constantFrom(...TRICKS), (below, trick) => {
        assert.equal(rule.allows(trick(below)), false, trick(below))
      }),
      { numRuns: 1_000 },
    )
  })

  it('G2 lets in nothing that a browser would not place below that host', () => {
    const piece = fc.constantFrom(
      'https://',
      'http:',
      '//',
      'a',
      '.',
      'preview.example.com',
      'evil.example',
      '@',
      ':',
      '/',
      '\\',
      '%2e',
      '#',
      '?',
      '*',
      '[',
      ']',
      'é',
    )
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 7 }), (pieces) => {
        const origin = pieces.join('')
        if (!rule.allows(origin)) return
        const { hostname, protocol, port, origin: serialised } = new URL(origin)
        assert.deepEqual([serialised, protocol, port], [origin, 'https:', ''])
        assert.match(hostname, /^(?:[a-z0-9_-]+\.)+preview\.example\.com$/)
      }),
      { numRuns: 5_000 },
    )
  })

  it('may stand where two labels follow, and nowhere else', () => {
    assert.equal(originProblem(PREVIEW), undefined)
    assert.equal(originProblem('https://*.example.com'), undefined)
    assert.equal(originProblem('http://*.xn--bcher-kva.example:8080'), undefined)
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['https://*.com', /two labels or more behind the star/],
      ['https://*.localhost:3000', /two labels or more/],
      ['https://*', /a star stands for whole labels/],
      ['https://a*.example.com', /whole labels at the beginning/],
      ['https://a.*.example.com', /whole labels at the beginning/],
      ['https://*.*.example.com', /whole labels at the beginning/],
      ['*.example.com', /expected an origin/],
      ['https://*.example.com/', /browsers write this one https:\/\/\*\.example\.com$/],
      ['https://*.Example.com', /browsers write this one https:\/\/\*\.example\.com$/],
      ['https://*.bücher.example', /browsers write this one https:\/\/\*\.xn--bcher-kva\.example$/],
      ['https://*.example.com:443', /browsers write this one https:\/\/\*\.example\.com$/],
      ['https://*.0.0.1', /expected an origin/],
    ]
    for (const [listed, why] of wrong) {
      assert.match(originProblem(listed) ?? '', why, listed)
      assert.equal(new OriginRule([listed]).allows('https://a.example.com'), false, listed)
    }
  })
})

describe('origins of apps', () => {
  const APPS = [
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://obsidian.md',
    'chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh',
    'moz-extension://0b5a1b4c-9a3e-4d0e-8a57-0a4f7c0f9d11',
  ]
  for (const app of APPS) {
    it(`G2 can be listed, and only they get in: ${app}`, () => {
      assert.equal(originProblem(app), undefined)
      const own = new OriginRule([app])
      assert.ok(own.allows(app))
      for (const other of [
        `${app}/`,
        `${app}.evil.example`,
        `${app}:80`,
        app.toUpperCase(),
        `https://${app}`,
        'null',
      ]) {
        assert.equal(own.allows(other), false, other)
      }
      assert.equal(new OriginRule(['*', PREVIEW]).allows(app), false)
    })
  }

  it('are none without a host, of files, or of what a page can make by itself', () => {
    for (const none of [
      'capacitor://',
      'file://',
      'file://localhost',
      'data:text/html,x',
      'blob:https://a.example',
      'null',
      'javascript://a',
      'about://blank',
      'capacitor://localhost/x',
      'ws://a.example',
      'capacitor://*',
    ]) {
      assert.notEqual(originProblem(none), undefined, none)
      assert.equal(new OriginRule([none]).allows(none), false, none)
    }
  })
})
