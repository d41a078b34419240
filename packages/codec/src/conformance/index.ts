export { arrayType, baseType, columnOf, numericType, tableOf } from './column-types.js';
export {
  describeCodecConformance,
  sampleChange,
  sampleContext,
  sampleTopic,
} from './describe-codec-conformance.js';
export { type Corpus, valueCorpus } from './value-corpus.js';
