/** The types of events and answers by source, in the words of `@types/aws-lambda`. */
import type {
  ALBEvent,
  APIGatewayProxyEvent,
  APIGatewayProxyEventV2,
  DynamoDBBatchResponse,
  DynamoDBStreamEvent,
  EventBridgeEvent,
  FirehoseTransformationEvent,
  FirehoseTransformationResult,
  KinesisStreamBatchResponse,
  KinesisStreamEvent,
  LambdaFunctionURLEvent,
  MSKEvent,
  S3Event,
  SelfManagedKafkaEvent,
  SNSEvent,
  SQSBatchResponse,
  SQSEvent,
} from 'aws-lambda'
import type { SourceName } from '../record.ts'
import type { DirectAnswer } from './direct.ts'
import type { HttpAnswer } from './http-answer.ts'

/** What Kafka event sources expect; `@types/aws-lambda` does not have it yet. */
export interface KafkaBatchResponse {
  batchItemFailures: { itemIdentifier: { partition: string; offset: number } }[]
}

interface Events {
  sqs: SQSEvent
  kinesis: KinesisStreamEvent
  dynamodb: DynamoDBStreamEvent
  eventbridge: EventBridgeEvent<string, unknown>
  sns: SNSEvent
  s3: S3Event | EventBridgeEvent<string, unknown> | SQSEvent
  kafka: MSKEvent | SelfManagedKafkaEvent
  http: APIGatewayProxyEvent | APIGatewayProxyEventV2 | ALBEvent | LambdaFunctionURLEvent
  firehose: FirehoseTransformationEvent
  direct: unknown
}

interface Answers {
  sqs: SQSBatchResponse
  kinesis: KinesisStreamBatchResponse
  dynamodb: DynamoDBBatchResponse
  eventbridge: void
  sns: void
  s3: SQSBatchResponse | void
  kafka: KafkaBatchResponse
  http: HttpAnswer
  firehose: FirehoseTransformationResult
  direct: DirectAnswer
}

/** The event of a handler for one source; unknown where it takes all. */
export type EventOf<S extends SourceName> = [SourceName] extends [S] ? unknown : Events[S]

/** The answer of a handler for one source; unknown where it takes all. */
export type AnswerOf<S extends SourceName> = [SourceName] extends [S] ? unknown : Answers[S]
