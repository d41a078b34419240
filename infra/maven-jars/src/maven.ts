import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { debianRoot } from '@millrace/debian-packages';
import { runAs } from '@millrace/local-process';
import { Fault, isFault } from '@millrace/runtime';
import type { LockedJar } from './jar-lock.js';
import { findJava } from './java.js';

const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

/** A dependency of the pom we hand to Maven; `alone`: without what it depends on itself. */
export interface PomDependency {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
}

/** A pom that does nothing but depend. */
export function pomOf(dependencies: readonly PomDependency[], alone: boolean): string {
  const exclusions = alone
    ? '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
    : '';
  const items = dependencies.map(
    ({ group, artifact, version }) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
      `<version>${version}</version>${exclusions}</dependency>`,
  );
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    '<groupId>millrace</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>',
    `<dependencies>\n${items.join('\n')}\n</dependencies></project>\n`,
  ].join('\n');
}

/** What Maven's plugins need, too; brokers need a later one anyway. */
const java_atLeast = 11;

/** Debian's Maven, without the Java that Debian would give it. */
async function unpackedMaven(): Promise<string> {
  const { folder } = await debianRoot({
    packages: ['maven'],
    without: /^(openjdk-|default-jre|java-common|ca-certificates-java)/,
  });
  return join(folder, 'usr', 'share', 'maven', 'bin', 'mvn');
}

/** The `mvn` of the PATH, else Debian's, unpacked into the user's cache. */
async function findMaven(): Promise<string> {
  const installed = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'mvn'));
  for (const program of installed) {
    const runs = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return program;
  }
  return unpackedMaven().catch((cause: unknown) => {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('MR-7004', { detail: `Maven (mvn) is not on the PATH, and ${detail}`, cause });
  });
}

async function runMaven(folder: string, args: readonly string[]): Promise<void> {
  const program = await findMaven();
  const { home } = await findJava({ atLeast: java_atLeast });
  // The user's environment: proxies, MAVEN_OPTS, and a JAVA_HOME of his own if there is one.
  const environment = { JAVA_HOME: home, ...process.env };
  await runAs(undefined, folder, program, ['-B', '-q', ...args], environment).catch((cause: unknown) => {
    throw new Fault('MR-7004', { detail: isFault(cause) ? cause.detail : String(cause), cause });
  });
}

async function copyDependencies(target: string, pom: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-maven-'));
  try {
    await writeFile(join(folder, 'pom.xml'), pom);
    await runMaven(folder, [
      `${plugin}:copy-dependencies`,
      '-DincludeScope=runtime',
      '-Dmdep.useRepositoryLayout=true',
      `-DoutputDirectory=${target}`,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Has Maven put exactly `jars` into folder `target`, laid out as a repository. Throws MR-7004. */
export function copyThroughMaven(target: string, jars: readonly LockedJar[]): Promise<void> {
  return copyDependencies(target, pomOf(jars, true));
}

/** Has Maven put `roots` and all they need at run time into folder `target`, laid out as a repository. Throws MR-7004. */
export function resolveThroughMaven(target: string, roots: readonly PomDependency[]): Promise<void> {
  return copyDependencies(target, pomOf(roots, false));
}
