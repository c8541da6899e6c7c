/** The command that runs a function: serve. */
import type { CommandSpec } from './command-spec.ts'

export const SERVE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'serve',
    summary: 'run a Lambda handler on this machine, as behind a function URL',
    arguments: [{ name: '<file>', help: 'a module that exports `handler`' }],
    options: [
      { flags: '-p, --port <n>', help: 'default 9100', type: 'count' },
      {
        flags: '--timeout <seconds>',
        help: 'what the handler is told that it has for an event (default 60)',
        type: 'number',
      },
    ],
    examples: [
      { does: 'a handler of appendHandler', line: 'datashard serve handler.mjs' },
      { does: 'on another port', line: 'datashard serve handler.mjs --port 9200' },
    ],
    more: `For trying things out: it listens on 127.0.0.1 only, and asks nobody who they are. Rows for a handler of appendHandler:
  curl http://127.0.0.1:9100 -H 'content-type: application/json' -d '{"id":"a"}'
An event of a queue, a stream or a bucket, as Lambda gives it to a function:
  curl http://127.0.0.1:9100/2015-03-31/functions/function/invocations -d @event.json
It runs until Ctrl-C. For TypeScript on a Node that does not run it, install tsx and put NODE_OPTIONS='--import tsx' before the command.`,
    opensTables: false,
    load: () => import('./serve.ts'),
  },
]
