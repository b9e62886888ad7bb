/** By which services and routes requests are served. */
import type { Service } from '../services/service.ts'
import type { Route } from './auth/request.ts'
import type { BasePath } from './base-path.ts'

/** One immutable value; a reload puts another one in its place. */
export interface Serving {
  /** What stands before the paths below. */
  readonly basePath: BasePath
  /** By path. */
  readonly services: ReadonlyMap<string, Service>
  /** What is under `/auth/`, by path. */
  readonly routes: ReadonlyMap<string, Route>
  /** Headers by which trusted proxies say who somebody is, in lower case. */
  readonly identityHeaders: readonly string[]
}

/** Where the present one is read: once for each request, at its beginning, so that no request is served by two. */
export interface ServingSource {
  readonly current: Serving
}
