import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@millrace/runtime';
import type { TestCertificates } from './key-pair.js';
import type { ClientSecurity, KafkaSettings } from './properties.js';
import type { ScramUser } from './storage.js';

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

/** The one user that clients log in as. */
export interface SaslUser {
  readonly mechanism: SaslMechanism;
  readonly username: string;
  readonly password: string;
}

/** What the clients' listeners of a cluster ask for. */
export interface SecurityWish {
  readonly certificates?: TestCertificates | undefined;
  /** True when a client must show a certificate of the authority. */
  readonly clientCertificates: boolean;
  readonly sasl?: SaslUser | undefined;
}

/** Files of a node's folder that its properties name. */
const keyStore = 'server.pem';
const trustStore = 'ca.pem';

/** StorageTool's and JAAS's quoting are not ours to test: letters, digits and a few signs will do. */
const plainWord = /^[\w.!@+-]{1,64}$/;

function checkUser({ username, password }: SaslUser): void {
  if (!plainWord.test(username) || !plainWord.test(password))
    throw new Fault('MR-7002', {
      detail: 'a local Kafka takes user names and passwords of letters, digits and .!@+-_ only',
    });
}

function tlsSettings({ clientCertificates }: SecurityWish, folder: string): KafkaSettings {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(folder, keyStore),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(folder, trustStore),
    'ssl.client.auth': clientCertificates ? 'required' : 'none',
  };
}

function saslSettings({ mechanism, username, password }: SaslUser): KafkaSettings {
  const module =
    mechanism === 'plain'
      ? `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}"`
      : 'org.apache.kafka.common.security.scram.ScramLoginModule required';
  return {
    'sasl.enabled.mechanisms': mechanism.toUpperCase(),
    [`${mechanism}.sasl.jaas.config`]: `${module};`,
  };
}

/** Security of the node in `folder`. Throws MR-7002 for user names that would need quoting. */
export function securityOf(wish: SecurityWish, folder: string): ClientSecurity {
  if (wish.sasl) checkUser(wish.sasl);
  const tls = wish.certificates !== undefined;
  return {
    protocol: `${wish.sasl ? 'SASL_' : ''}${tls ? 'SSL' : 'PLAINTEXT'}`,
    settings: {
      ...(tls ? tlsSettings(wish, folder) : {}),
      ...(wish.sasl ? saslSettings(wish.sasl) : {}),
    },
  };
}

/** Users whom the storage is to know from the start: SCRAM keeps them in the cluster's metadata. */
export function scramUsers({ sasl }: SecurityWish): readonly ScramUser[] {
  if (sasl === undefined || sasl.mechanism === 'plain') return [];
  return [`${sasl.mechanism.toUpperCase()}=[name=${sasl.username},password=${sasl.password}]`];
}

/** Puts the files into the node's folder that its properties name. */
export async function writeStores({ certificates }: SecurityWish, folder: string): Promise<void> {
  if (certificates === undefined) return;
  const { ca, server } = certificates;
  await writeFile(join(folder, keyStore), `${server.key}\n${server.cert}\n`, { mode: 0o600 });
  await writeFile(join(folder, trustStore), `${ca}\n`, { mode: 0o600 });
}
