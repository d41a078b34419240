import ts from 'typescript';

/** A function, method, accessor, constructor or arrow of a file. */
export interface WrittenFunction {
  /** Its own name, or that of what it is given to. */
  readonly name: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** From its first word to its closing brace, blank lines and comments included. */
  readonly lines: number;
}

/** What vitest calls to register tests; a function that calls one is a list of tests, each of which is judged by itself. */
const registers = new Set(['describe', 'it', 'test']);

/** The first name of an expression: `describe` in `describe.each(…)(…)`. */
function rootOf(expression: ts.Expression): string | undefined {
  let at = expression;
  while (ts.isCallExpression(at) || ts.isPropertyAccessExpression(at) || ts.isTaggedTemplateExpression(at))
    at = ts.isTaggedTemplateExpression(at) ? at.tag : at.expression;
  return ts.isIdentifier(at) ? at.text : undefined;
}

function registersTests(node: ts.Node): boolean {
  if (ts.isCallExpression(node) && registers.has(rootOf(node.expression) ?? '')) return true;
  return ts.forEachChild(node, (child) => registersTests(child) || undefined) ?? false;
}

function nameOf(node: ts.SignatureDeclaration, file: ts.SourceFile): string {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (node.name !== undefined) return node.name.getText(file);
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent))
    return parent.name.getText(file);
  if (!ts.isCallExpression(parent)) return 'a function';
  const [first] = parent.arguments;
  const title = first !== undefined && ts.isStringLiteralLike(first) ? `('${first.text}')` : '';
  return `what is given to ${rootOf(parent.expression) ?? 'a call'}${title}`;
}

/** The functions of a source file that are longer than so many lines, lists of tests left out. */
export function functionsBeyond(lines_max: number, path: string, text: string): WrittenFunction[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineAt = (position: number): number => file.getLineAndCharacterOfPosition(position).line;
  const found: WrittenFunction[] = [];
  const visit = (node: ts.Node): void => {
    const first = lineAt(node.getStart(file));
    const lines = lineAt(node.end) - first + 1;
    // Nothing in it can be longer.
    if (lines <= lines_max) return;
    const body = ts.isFunctionLike(node) && 'body' in node ? node.body : undefined;
    if (ts.isFunctionLike(node) && body !== undefined && !registersTests(body))
      found.push({ name: nameOf(node, file), line: first + 1, lines });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
