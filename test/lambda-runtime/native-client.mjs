/**
 * Stands in for `rapid-client.node`, the compiled part of aws-lambda-ric, where it cannot be compiled: the same three functions over
 * Node's HTTP. An answer is on its way before the next event is asked for, as in the compiled one, where sending it blocks.
 */
import { request } from 'node:http'
import Module from 'node:module'

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
let sending = Promise.resolve()

const client = {
  next: async () => {
    await sending
    const { headers, text } = await exchange('GET', 'next')
    return { bodyJson: text, headers }
  },
  done: (id, body) => {
    sending = exchange('POST', `${id}/response`, body)
  },
  error: (id, body) => {
    sending = exchange('POST', `${id}/error`, body)
  },
}

function exchange(method, path, body) {
  return new Promise((resolve, reject) => {
    const url = { hostname, port, method, path: `/2018-06-01/runtime/invocation/${path}` }
    const outgoing = request(url, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (chunk) => (text += chunk))
      incoming.on('end', () => resolve({ headers: incoming.headers, text }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

// How Node lets loaders be added; without the file, its name must be left alone.
const { ['_extensions']: loaders, ['_resolveFilename']: resolve } = Module
const load = loaders['.node']
loaders['.node'] = (module, filename) => {
  if (filename.endsWith('rapid-client.node')) module.exports = client
  else load(module, filename)
}
Module['_resolveFilename'] = (name, ...rest) => (name.endsWith('rapid-client.node') ? name : resolve(name, ...rest))
