/** The one switch between a directory, a local MinIO and AWS. Nothing else of the example knows where its table is. */
import type { OpenOptions } from 'datashard'

export interface Place {
  readonly location: string
  readonly s3?: NonNullable<OpenOptions['s3']>
}

/** What `npm run local:up` starts MinIO with. */
const LOCAL = { accessKeyId: 'datashard-local', secretAccessKey: 'datashard-local-secret' }

/**
 * `DATASHARD_PLACE` is `directory` (default), `minio` or `aws`. For AWS, `DATASHARD_LOCATION` names the table, and credentials and region
 * come from where the AWS SDK looks for them: in a Lambda function, from its role.
 */
export function place(environment: NodeJS.ProcessEnv = process.env): Place {
  switch (environment['DATASHARD_PLACE'] ?? 'directory') {
    case 'directory':
      return { location: environment['DATASHARD_LOCATION'] ?? './demo-table/local-dev' }
    case 'minio': {
      const endpoint = environment['AWS_ENDPOINT_URL_S3'] ?? 'http://127.0.0.1:9000'
      return { location: 's3://dev/events', s3: { endpoint, region: 'us-east-1', credentials: LOCAL } }
    }
    case 'aws': {
      const location = environment['DATASHARD_LOCATION']
      if (location === undefined) throw new Error('DATASHARD_PLACE=aws needs DATASHARD_LOCATION=s3://bucket/prefix')
      return { location }
    }
    default:
      throw new Error(`DATASHARD_PLACE=${environment['DATASHARD_PLACE']}: it is directory, minio or aws`)
  }
}
