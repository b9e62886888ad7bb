/** Which sessions are meant, as flags with the names of the API's filters. */

export const FILTER_OPTIONS = {
  session: { type: 'string', multiple: true },
  subject: { type: 'string', multiple: true },
  issuer: { type: 'string', multiple: true },
  authenticator: { type: 'string', multiple: true },
  role: { type: 'string', multiple: true },
  service: { type: 'string', multiple: true },
  broker: { type: 'string', multiple: true },
  'broker-user': { type: 'string', multiple: true },
  vhost: { type: 'string', multiple: true },
  address: { type: 'string', multiple: true },
  replica: { type: 'string', multiple: true },
} as const

export const FILTER_HELP = `Which sessions; all flags must match, and of a flag that is given several times, any of its values:
  --session ID  --subject NAME  --issuer ISSUER  --authenticator NAME  --role ROLE  --service PATH
  --broker NAME  --broker-user USER  --vhost VHOST  --address ADDRESS (or a range)  --replica NAME`

type FilterValues = { readonly [K in keyof typeof FILTER_OPTIONS]?: readonly string[] | undefined }

/** As `match` of the API has it. */
export function matchOf(values: FilterValues): Readonly<Record<string, readonly string[]>> {
  const { 'broker-user': user, session, subject, issuer, authenticator, role, service, broker } = values
  const { vhost, address, replica } = values
  const match = { session, subject, issuer, authenticator, role, service, broker, user, vhost, address, replica }
  return Object.fromEntries(
    Object.entries(match).flatMap(([key, wanted]) => (wanted === undefined ? [] : [[key, wanted]])),
  )
}
