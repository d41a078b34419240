import type { SchemaStore } from '../port.js';

/** One schema under a subject, as a Confluent registry lists it. */
export interface SubjectVersion {
  /** From 1, in order of registration. */
  readonly version: number;
  readonly id: number;
}

/** One schema under one subject. */
export interface Registration extends SubjectVersion {
  readonly subject: string;
}

/** A store that can be listed: what a registry's REST face needs beside the port. */
export interface SchemaRegistry extends SchemaStore {
  /** Names of all subjects, sorted. */
  subjects(): Promise<readonly string[]>;
  /** Versions of a subject, oldest first; empty for an unknown one. */
  versions(subject: string): Promise<readonly SubjectVersion[]>;
  /** Everything registered, by subject, then version. */
  registrations(): Promise<readonly Registration[]>;
}
