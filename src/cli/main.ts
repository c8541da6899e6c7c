#!/usr/bin/env node
/** The `datashard` program: wires the process to {@link runProgram}, and nothing else. */
import { exitCodeOf } from './exit-code.ts'
import { isBrokenPipe } from './output/sink.ts'
import { isDebug, runProgram } from './program.ts'
import { errorReport } from './report-error.ts'

let usesStdin = false
const interrupted = new AbortController()

/** The first signal ends the work in order, the second one at once. */
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(name, () => {
    if (interrupted.signal.aborted) process.exit(code)
    interrupted.abort(new Error(`interrupted by ${name}`))
  })
}

// A reader that went away (`| head`) ends the work; what else goes wrong with a stream is for its writer to report.
process.stdout.on('error', (error) => {
  if (isBrokenPipe(error)) interrupted.abort(error)
})
process.stderr.on('error', () => {})

// Nothing should come here; if something does, it is told like any other failure.
process.on('uncaughtException', (error) => {
  const style = { json: process.argv.includes('--json'), debug: isDebug(process.env) }
  process.stderr.write(errorReport(error, style), () => process.exit(exitCodeOf(error)))
})

// The SDK's advice about Node versions is for developers; here it would stand between a user and an answer.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

process.exitCode = await runProgram(process.argv.slice(2), {
  io: {
    // Opening stdin costs time, and most commands do not read it.
    get stdin() {
      usesStdin = true
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  },
  signal: interrupted.signal,
})
// An open stdin (a terminal, a pipe that nobody closes) must not keep a finished program alive.
if (usesStdin) process.stdin.destroy()
