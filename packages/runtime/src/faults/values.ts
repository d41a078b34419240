import { entry, type FaultEntry } from './entry.js';

/** 5xxx. Values, codec, schemas. */
export const valueFaults = {
  'MR-5001': entry(
    'ValueRefused',
    'stop',
    65,
    'A value cannot be carried exactly.',
    'Change the column’s type or exclude the column; nothing was rounded or dropped.',
  ),
  'MR-5002': entry(
    'TypeUnsupported',
    'stop',
    78,
    'A column’s type cannot be carried under this preset or follower.',
    'Use preset `lossless`, or exclude the column.',
  ),
  'MR-5003': entry(
    'EventCorrupt',
    'stop',
    65,
    'An event in the log cannot be decoded.',
    'Run `millrace resync <follower>`; check the log for damage.',
  ),
  'MR-5004': entry(
    'SchemaUnknown',
    'stop',
    65,
    'An event names a schema that the registry does not hold.',
    'Restore the registry, or run `millrace resync --all`.',
  ),
  'MR-5005': entry(
    'RegistryUnavailable',
    'backoff',
    69,
    'The external schema registry does not answer, or says that it cannot serve.',
    'Check `codec.registry.url` and the registry. Millrace keeps trying, and publishes no event whose schema is not registered.',
  ),
  'MR-5006': entry(
    'RegistryAuthentication',
    'backoff',
    77,
    'The external schema registry refused the user, the password or a right.',
    'Correct `codec.registry.username` and `password`; capture needs to register and read subjects, appliers to read. Millrace keeps trying.',
  ),
  'MR-5007': entry(
    'SchemaIncompatible',
    'stop',
    78,
    'The external schema registry does not allow a table to change as it did.',
    'Set the compatibility level of the subject to NONE, then run `millrace restart capture`.',
  ),
  'MR-5008': entry(
    'SchemaRejected',
    'stop',
    78,
    'The external schema registry does not take a schema: it is in read-only mode, or reads Avro differently.',
    'Do what the registry’s message asks for, then run `millrace restart capture`.',
  ),
  'MR-5009': entry(
    'RegistryForeign',
    'backoff',
    78,
    'What answers at the registry’s URL does not speak Confluent’s REST interface.',
    'Correct `codec.registry.url`, with the path of that interface (Apicurio: /apis/ccompat/v7). Millrace keeps trying.',
  ),
  'MR-5010': entry(
    'RegistryCertificate',
    'backoff',
    77,
    'The certificate of the external schema registry cannot be trusted, or it refused ours.',
    'Set `codec.registry.ca` to the authority that signed it, and the host to the name it was made for. Millrace keeps trying.',
  ),
  'MR-5011': entry(
    'RegistryInconsistent',
    'stop',
    65,
    'The external schema registry holds another schema under the id it gave: consumers would misread every event.',
    'Check what stands between Millrace and the registry, and which kind of id it gives; then run `millrace restart capture`.',
  ),
  'MR-5012': entry(
    'RegistryOwnCertificate',
    'exit',
    78,
    'The certificate or the key that the schema registry is to be served with cannot be used.',
    'Set `registry.tls.cert` and `registry.tls.key` to PEM texts that belong together.',
  ),
} as const satisfies Record<string, FaultEntry>;
