/** Runs TypeScript on a Node.js that does not strip types by itself: `node --import …/register.js file.ts`. */
import { register } from 'node:module'

register('./hooks.js', import.meta.url)
process.setSourceMapsEnabled(true)
