import { configJsonSchema } from './schema.js';

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** The keys that may stand in the mapping at `path`, from the published JSON Schema itself. */
export function allowedKeys(path: readonly (string | number)[]): string[] {
  let nodes: SchemaNode[] = [configJsonSchema() as SchemaNode];
  for (const step of path) nodes = nodes.flatMap((node) => below(node, step));
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function below(node: SchemaNode, step: string | number): SchemaNode[] {
  const next =
    typeof step === 'number'
      ? node.items
      : (node.properties?.[step] ??
        (typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined));
  return next ? [next, ...(next.anyOf ?? [])] : [];
}
