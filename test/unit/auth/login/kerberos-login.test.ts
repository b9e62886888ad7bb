import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { kerberosAuthorization } from '../../../../auth/login/kerberos-login.ts'

/** A package `kerberos` that gives this token, or complains. */
const kerberos = (token: unknown, asked: unknown[] = []) => ({
  GSS_MECH_OID_SPNEGO: 6,
  initializeClient: async (service: string, { mechOID }: { readonly mechOID: number }) => {
    asked.push(service, mechOID)
    return {
      step: async (challenge: string) => {
        asked.push(challenge)
        if (token instanceof Error) throw token
        return token
      },
    }
  },
})

describe('a login by a Kerberos ticket', () => {
  it('is a token for the service of the host', async () => {
    const asked: unknown[] = []
    const authorization = await kerberosAuthorization(async () => kerberos('dG9rZW4=', asked), 'gate.example.com')
    assert.equal(authorization, 'Negotiate dG9rZW4=')
    assert.deepEqual(asked, ['HTTP@gate.example.com', 6, ''])
    const asCommonJs = async () => ({ default: kerberos('eA==') })
    assert.equal(await kerberosAuthorization(asCommonJs, 'gate.example.com'), 'Negotiate eA==')
  })

  it('fails in words where there is no ticket, no token, or no package', async () => {
    const missing = async () => {
      throw new Error("Cannot find package 'kerberos'")
    }
    for (const [load, message] of [
      [
        async () => kerberos(new Error('No credentials\ncache found')),
        /no ticket for HTTP\/gate: No credentials cache/,
      ],
      [async () => kerberos(''), /GSSAPI gives no token/],
      [async () => ({ initializeClient: async () => undefined }), /is not version 7 of it: run `npm install kerberos`/],
      [missing, /needs the package kerberos: run `npm install kerberos`/],
    ] as const) {
      await assert.rejects(kerberosAuthorization(load, 'gate'), { name: 'KerberosLoginFailed', message })
    }
  })
})
