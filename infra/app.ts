/** The stack of infra/README.md: one table that a queue and HTTP append to. `npx tsx infra/app.ts` synthesises it into infra/cdk.out. */
import { App, Stack } from 'aws-cdk-lib'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataShardLake } from './lib/index.ts'

const app = new App({ outdir: process.env['CDK_OUTDIR'] ?? join(dirname(fileURLToPath(import.meta.url)), 'cdk.out') })
const stack = new Stack(app, 'DataShard')
new DataShardLake(stack, 'Lake', {
  tables: {
    events: { ingest: { queue: { source: { kind: 'queue' } }, http: { source: { kind: 'url' } } } },
  },
  glueDatabase: 'datashard',
  alarms: { topic: new Topic(stack, 'AlarmTopic', { enforceSSL: true }) },
})
app.synth()
