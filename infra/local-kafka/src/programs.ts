import type { Java } from '@millrace/maven-jars';

/** What it takes to run a program of Kafka's. */
export interface KafkaPrograms {
  readonly java: Java;
  readonly classpath: string;
  /** Options for the JVM. */
  readonly options: readonly string[];
}
