/** A function URL on a port: `serve.ts BUNDLE PORT`. Each request is an event for the bundled handler, its answer the response. */
import { createServer } from 'node:http'
import { answerRequest } from '../src/cli/function-url.ts'
import { systemRuntime as runtime } from '../src/runtime.ts'
import { loadFunction } from './invoke.ts'
import { FUNCTION_READY } from './state.ts'

const [bundle = '', port = ''] = process.argv.slice(2)
const loaded = await loadFunction(bundle)
const invoke = (event: unknown) => loaded(event as object)

const server = createServer((request, response) => {
  if (request.url === FUNCTION_READY) {
    response.end('ready')
    return
  }
  answerRequest(request, response, { invoke, runtime }).then(
    (failure) => {
      if (failure !== undefined) console.error(failure)
    },
    (error: unknown) => {
      console.error(error)
      response.destroy()
    },
  )
})
server.listen(Number(port), '127.0.0.1')
