/** Progress records of a pipeline. */
export const progressTopicOf = (prefix: string): string => `__millrace.${prefix}.progress`;

/** A small table of the log. */
export const tableTopicOf = (prefix: string, table: string): string => `__millrace.${prefix}.${table}`;
