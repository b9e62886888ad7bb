/**
 * How the gateway proves to a token endpoint which client it is. `basic` is as the standard says: id and secret are
 * form-encoded before they become a Basic header [RFC 6749 §2.3.1]. `basicUnescaped` leaves that out, for providers that
 * compare a secret with `+` or `%` in it as it arrives. `post` puts both into the form.
 */
import * as openid from 'openid-client'

export const CLIENT_AUTHENTICATION = ['basic', 'basicUnescaped', 'post'] as const

export type ClientAuthentication = (typeof CLIENT_AUTHENTICATION)[number]

export function clientAuthentication(secret: string, method: ClientAuthentication): openid.ClientAuth {
  switch (method) {
    case 'basic':
      return openid.ClientSecretBasic(secret)
    case 'post':
      return openid.ClientSecretPost(secret)
    case 'basicUnescaped':
      return (_server, client, _body, headers) => {
        headers.set('authorization', `Basic ${Buffer.from(`${client.client_id}:${secret}`).toString('base64')}`)
      }
  }
}
