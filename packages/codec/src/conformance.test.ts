import { describeCodecConformance } from './conformance/index.js';
import { createCodec } from './create-codec.js';

for (const format of ['avro', 'json'] as const) {
  for (const preset of ['lossless', 'debezium'] as const) {
    describeCodecConformance(`${format}/${preset}`, (schemas) =>
      createCodec({
        ...{ format, preset, schemas },
        ...{ connectorName: 'shop', database: 'shop', version: '0.1.0' },
      }),
    );
  }
}
