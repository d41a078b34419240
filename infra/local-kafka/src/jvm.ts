/**
 * For brokers that start often and live for seconds: a small heap, one collector thread, no optimising compiler, no
 * files outside our folder.
 */
export const jvmOptions: readonly string[] = [
  '-Xms32m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-XX:+ExitOnOutOfMemoryError',
  '-Xshare:auto',
  '-Djava.awt.headless=true',
];

/** Fewer arenas of glibc's malloc: some 50 MB less for a broker's many threads. */
export const jvmEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };

/** What brokers log: the long lists of every setting are left out. */
export const loggingText = `Configuration:
  status: error
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "%d %p %m (%c)%n"
  Loggers:
    Root:
      level: info
      AppenderRef:
        - ref: STDOUT
    Logger:
      - name: org.apache.kafka.common.config
        level: warn
      - name: kafka.server.KafkaConfig
        level: warn
`;
