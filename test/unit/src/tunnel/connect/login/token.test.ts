import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, mock } from 'node:test'
import type { Proof } from '../../../../../../src/tunnel/connect/login/login.ts'
import { LoginFailed } from '../../../../../../src/tunnel/connect/login/login.ts'
import { type BearerSource, TokenLogin } from '../../../../../../src/tunnel/connect/login/token.ts'
import { tokenCommand } from '../../../../../../src/tunnel/connect/login/token-command.ts'
import { firstWord, tokenFile } from '../../../../../../src/tunnel/connect/login/token-file.ts'
import { bearer, expiryOf, renewalAtMs } from '../../../../../../src/tunnel/connect/login/token-life.ts'

const encode = (claims: unknown) => Buffer.from(JSON.stringify(claims)).toString('base64url')
const jwt = (exp: unknown) => `e30.${encode({ exp })}.sig`

/** A source whose answers are scripted; an Error is thrown. */
function scripted(answers: (string | Error)[], pollMs?: number): BearerSource & { asked: number } {
  const source = {
    kind: 'test',
    pollMs,
    asked: 0,
    read: async () => {
      source.asked += 1
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      if (answer instanceof Error) throw answer
      return bearer(answer ?? '')
    },
  }
  return source
}

describe('the life of a token', () => {
  it('is read where the token says it, and nowhere else', () => {
    assert.equal(expiryOf(jwt(1_700_000_000)), 1_700_000_000_000)
    const others = ['opaque', 'a.b', 'a.b.c', jwt('soon'), jwt(null), `e30.${encode(null)}.s`, `e30.${encode([])}.s`]
    for (const token of others) assert.equal(expiryOf(token), undefined, token)
  })

  it('is used up to its last fifth, or its last minute', () => {
    assert.equal(renewalAtMs(10_000, 0), 8_000)
    assert.equal(renewalAtMs(3_600_000, 0), 3_540_000)
    assert.equal(renewalAtMs(1_000, 5_000), 1_000)
  })
})

describe('a token login', () => {
  it('asks once for all who ask at the same time, and keeps what it has', async () => {
    const source = scripted(['first'])
    const login = new TokenLogin(source, () => {})
    const proofs = await Promise.all([login.proof(), login.proof(), login.proof()])
    assert.equal(await login.proof(), proofs[0])
    assert.equal(source.asked, 1)
    assert.equal(proofs[2]?.authorization, 'Bearer first')
    login.close()
  })

  it('asks again in time, tells who listens, and goes on after a failure', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
    try {
      const source = scripted([jwt(1_010), new Error('not now'), jwt(1_020)])
      const notes: string[] = []
      const login = new TokenLogin(source, (line) => notes.push(line))
      const fresh: Proof[] = []
      login.onFresh((proof) => fresh.push(proof))
      await login.proof()
      assert.equal(login.expiresAtMs, 1_010_000)
      mock.timers.tick(8_000)
      await settled()
      assert.deepEqual(notes, ['no fresh token: not now'])
      mock.timers.tick(1_000)
      await settled()
      assert.equal(fresh.length, 1)
      assert.equal(login.expiresAtMs, 1_020_000)
      assert.equal(await login.proof(), fresh[0])
      login.close()
    } finally {
      mock.timers.reset()
    }
  })

  it('says that its token has ended, where the source answers and still has that one', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
    try {
      let token = jwt(1_010)
      const login = new TokenLogin({ kind: 'test', pollMs: 2_000, read: async () => bearer(token) }, () => {})
      await login.proof()
      const problems: (string | undefined)[] = []
      const pass = async (seconds: number) => {
        for (let second = 0; second < seconds; second++) {
          mock.timers.tick(1_000)
          await settled()
        }
        problems.push(login.problem)
      }
      await pass(9)
      await pass(9)
      token = jwt(1_060)
      await pass(3)
      const ended = 'no fresh token: the test has a token that has ended'
      assert.deepEqual(problems, [undefined, ended, undefined])
      login.close()
    } finally {
      mock.timers.reset()
    }
  })

  it('asks again when the gateway did not take it: once, unless there is another one', async () => {
    const source = scripted(['one', 'one', 'two'])
    const login = new TokenLogin(source, () => {})
    const one = await login.proof()
    assert.equal(login.refused(one), true)
    assert.equal(await login.proof(), one)
    assert.equal(login.refused(one), false)
    assert.equal((await login.proof()).authorization, 'Bearer two')
    assert.equal(login.refused(one), true)
    assert.equal(source.asked, 3)
    login.close()
  })

  it('has nothing where the token has ended, or is none', async () => {
    for (const [answer, message] of [
      [jwt(1), /has ended/],
      ['two words', /expected one word/],
      ['line\r\nX-Injected: yes', /expected one word/],
    ] as const) {
      const login = new TokenLogin(scripted([answer]), () => {})
      await assert.rejects(login.proof(), message)
      login.close()
    }
  })
})

describe('sources of tokens', () => {
  it('are files of one word, within bounds', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-token-'))
    try {
      const path = join(folder, 'token')
      await assert.rejects(tokenFile(path).read(), { name: 'LoginFailed', message: /ENOENT/ })
      await writeFile(path, '\n')
      await assert.rejects(firstWord(path), { name: 'LoginFailed', message: /is empty/ })
      await writeFile(path, 'x'.repeat(70_000))
      await assert.rejects(firstWord(path), { name: 'LoginFailed', message: /larger than/ })
      await writeFile(path, 'word\n')
      assert.deepEqual(await tokenFile(path).read(), { text: 'word', expiresAtMs: undefined })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('are commands that print one', async () => {
    assert.equal((await tokenCommand('printf "%s\\n" token').read()).text, 'token')
    await assert.rejects(tokenCommand('exit 3').read(), { name: LoginFailed.name, message: /ended with 3/ })
    await assert.rejects(tokenCommand('true').read(), /printed nothing/)
    await assert.rejects(tokenCommand('yes | head -c 100000').read(), /more than 65536 bytes/)
  })
})

/** Lets promises run that wait for nothing but each other. */
async function settled(): Promise<void> {
  for (let n = 0; n < 10; n++) await Promise.resolve()
}
