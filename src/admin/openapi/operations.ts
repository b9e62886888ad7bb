/** Of each route: in a few words what it is for, the schemas that check what it is sent, and the shape of its answer. */
import type { z } from 'zod'
import { drainOrder } from '../../config/schema/drain.ts'
import { blockSchema, dismissSchema, kickSchema } from '../orders/orders.ts'
import { reloadSchema } from '../routes/config.ts'
import { explainSchema } from '../routes/explain.ts'
import { listingSchema } from '../routes/listing.ts'
import { peopleSchema } from '../routes/people.ts'
import { ANSWER_SHAPES } from './answers.ts'

export interface Operation {
  readonly summary: string
  readonly query?: z.ZodObject | undefined
  readonly body?: z.ZodType | undefined
  /** Headers that say more. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly status: number
  /** Absent: no content. */
  readonly answer?: z.ZodType | undefined
  /** Of the answer; JSON where left out. */
  readonly type?: string | undefined
}

/** By method and path. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /api/v1/overview': { summary: 'The gateway at a glance', status: 200, answer: ANSWER_SHAPES.overview },
  'GET /api/v1/me': { summary: 'Whoever asks, and their role', status: 200, answer: ANSWER_SHAPES.me },
  'GET /api/v1/history': {
    summary: 'The last hour, a sample for each ten seconds',
    status: 200,
    answer: ANSWER_SHAPES.history,
  },
  'GET /api/v1/sessions': {
    summary: 'Sessions by filter, order and page',
    query: listingSchema,
    status: 200,
    answer: ANSWER_SHAPES.sessions,
  },
  'GET /api/v1/sessions/{id}': { summary: 'One session', status: 200, answer: ANSWER_SHAPES.session },
  'DELETE /api/v1/sessions/{id}': {
    summary: 'End one session',
    query: dismissSchema,
    headers: { 'X-Reason': 'Why; the client reads it.' },
    status: 204,
  },
  'GET /api/v1/identities': {
    summary: 'People by what they carry at the moment, with the limits they use',
    query: peopleSchema,
    status: 200,
    answer: ANSWER_SHAPES.people,
  },
  'POST /api/v1/kick': { summary: 'End sessions', body: kickSchema, status: 200, answer: ANSWER_SHAPES.kicked },
  'GET /api/v1/blocks': { summary: 'Who is blocked', status: 200, answer: ANSWER_SHAPES.blocks },
  'PUT /api/v1/blocks': { summary: 'Block a person', body: blockSchema, status: 201, answer: ANSWER_SHAPES.blocked },
  'DELETE /api/v1/blocks/{id}': { summary: 'Lift a block', status: 204 },
  'POST /api/v1/drain': {
    summary: 'Send everybody elsewhere, without stopping',
    body: drainOrder,
    status: 202,
    answer: ANSWER_SHAPES.draining,
  },
  'DELETE /api/v1/drain': { summary: 'Take sessions again', status: 204 },
  'GET /api/v1/config': { summary: 'The configuration in force, redacted', status: 200, answer: ANSWER_SHAPES.config },
  'POST /api/v1/reload': {
    summary: 'Read the configuration again',
    body: reloadSchema,
    status: 200,
    answer: ANSWER_SHAPES.reload,
  },
  'POST /api/v1/explain': {
    summary: 'What a service would make of somebody',
    body: explainSchema,
    status: 200,
    answer: ANSWER_SHAPES.explained,
  },
  'GET /api/v1/rules': { summary: 'How often each rule applied', status: 200, answer: ANSWER_SHAPES.rules },
  'GET /api/v1/refusals': { summary: 'The last 200 refusals', status: 200, answer: ANSWER_SHAPES.refusals },
  'GET /api/v1/events': { summary: 'Live events', status: 200, type: 'text/event-stream' },
  'GET /api/openapi.json': { summary: 'This document', status: 200, type: 'application/json' },
}
