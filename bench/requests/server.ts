/** The tests' own S3 server in a process of its own: tells its address, then its CPU time whenever it is asked. */
import { startS3Server } from '../../test/support/s3-server.ts'

const server = await startS3Server({ buckets: ['bench'] })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  // The log of a long run is not what is measured.
  server.requests.length = 0
  process.send!({ cpuUs: user + system })
})
process.on('disconnect', () => process.exit())
process.send!({ endpoint: server.endpoint })
