/** A function URL on a port: `serve.ts BUNDLE PORT`. Each request is an event for the bundled handler, its answer the response. */
import { createServer } from 'node:http'
import { eventOf, sendAnswer } from './function-url.ts'
import { loadFunction } from './invoke.ts'
import { FUNCTION_READY } from './state.ts'

const [bundle = '', port = ''] = process.argv.slice(2)
const invoke = await loadFunction(bundle)

const server = createServer((request, response) => {
  if (request.url === FUNCTION_READY) {
    response.end('ready')
    return
  }
  eventOf(request)
    .then(invoke)
    .then(
      (answer) => sendAnswer(response, answer),
      (error: unknown) => {
        // What Lambda answers when a function throws.
        console.error(error)
        sendAnswer(response, { statusCode: 502, body: 'Internal Server Error' })
      },
    )
})
server.listen(Number(port), '127.0.0.1')
