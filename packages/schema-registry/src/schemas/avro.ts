import avsc from 'avsc';

/** Why `text` is no Avro schema, as avsc reads the specification; undefined when it is one. */
export function flawOf(text: string): string | undefined {
  try {
    avsc.Type.forSchema(JSON.parse(text), { wrapUnions: true });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * True when events written with one schema can be read with the other byte by byte: their canonical forms (Avro's specification,
 * "Parsing Canonical Form") are equal, whatever names of properties, defaults and logical types a registry kept or dropped.
 */
export function sameOnTheWire(one: string, other: string): boolean {
  return canonicalForm(one) === canonicalForm(other);
}

const canonicalForm = (text: string): string =>
  JSON.stringify(avsc.Type.forSchema(JSON.parse(text), { wrapUnions: true }).schema());
