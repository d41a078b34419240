import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fetchJars, findJava, readJarLock } from '@millrace/maven-jars';
import type { JavaProgram } from './debezium-tap.js';

const java_major_min = 21;
const lockFile = new URL('../debezium.lock.json', import.meta.url);

/** Debezium's engine and PostgreSQL connector, and a JDK to run them. Throws when either is not to be had. */
export async function debeziumProgram(): Promise<JavaProgram> {
  const java = await findJava({ atLeast: java_major_min });
  // The tap is run from its source, which takes the compiler.
  await access(join(java.home, 'bin', 'javac')).catch((cause: unknown) => {
    throw new Error(`${java.program} is no JDK: there is no javac beside it`, { cause });
  });
  return { java: java.program, classPath: (await fetchJars(readJarLock(lockFile))).split(delimiter) };
}

export const inCi = ['1', 'true'].includes(process.env.CI ?? '');

/** As `debeziumProgram`; outside continuous integration, the reason why it is not to be had instead of an error. */
export async function debeziumProgramOrReason(): Promise<JavaProgram | string> {
  try {
    return await debeziumProgram();
  } catch (error) {
    if (inCi) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}
