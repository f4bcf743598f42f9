/**
 * What the manifest says beyond the analyzer's own reading: only the elements, only what is public, by the paths of
 * the package, with the tag names that `src/define.ts` gives them.
 */

/** Reactive fields a page author cannot set. */
const INNER_DECORATOR = /^@(state|query|queryAll|consume|provide|eventOptions)\b/;

/** Called by Lit or the browser, never by a page. */
const LIFECYCLE = new Set([
  'render',
  'styles',
  'observedAttributes',
  'updated',
  'firstUpdated',
  'willUpdate',
  'shouldUpdate',
  'update',
  'connectedCallback',
  'disconnectedCallback',
  'attributeChangedCallback',
  'createRenderRoot',
  'shadowRootOptions',
]);

/** @param {string} name */
const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * @typedef {{name: string, privacy?: string, static?: boolean, attribute?: string, reflects?: boolean}} Member
 * @typedef {{kind: string, name: string, tagName?: string, customElement?: boolean, members?: Member[],
 *   attributes?: {name: string, fieldName?: string}[], events?: {name?: string}[]}} Declaration
 * @typedef {{path: string, declarations?: Declaration[], exports?: object[]}} Module
 */

function elementsOnly() {
  /** Class name → tag name, from the table in `src/define.ts`. @type {Map<string, string>} */
  const tags = new Map();
  /** Class name → its members' decorators, as text. @type {Map<string, Map<string, string>>} */
  const decorators = new Map();
  return {
    name: 'elements-only',
    /** @param {{ts: typeof import('typescript'), node: import('typescript').Node, moduleDoc: Module}} context */
    analyzePhase({ ts, node, moduleDoc }) {
      if (moduleDoc.path.endsWith('src/define.ts')) {
        if (
          ts.isPropertyAssignment(node) &&
          ts.isStringLiteral(node.name) &&
          ts.isIdentifier(node.initializer)
        )
          tags.set(node.initializer.text, node.name.text);
        return;
      }
      if (!ts.isClassDeclaration(node) || !node.name) return;
      /** @type {Map<string, string>} */
      const found = new Map();
      for (const member of node.members)
        if (ts.canHaveDecorators(member) && member.name)
          found.set(
            member.name.getText(),
            (ts.getDecorators(member) ?? []).map((decorator) => decorator.getText()).join('\n'),
          );
      decorators.set(node.name.text, found);
    },
    /** @param {{customElementsManifest: {modules: Module[]}}} context */
    packageLinkPhase({ customElementsManifest }) {
      for (const module of customElementsManifest.modules) {
        module.path = module.path.replace(/^src\//, 'dist/esm/').replace(/\.ts$/, '.js');
        module.declarations = (module.declarations ?? []).filter(({ name }) => tags.has(name));
        for (const declaration of module.declarations) {
          declaration.tagName = /** @type {string} */ (tags.get(declaration.name));
          declaration.customElement = true;
          describe(declaration, decorators.get(declaration.name) ?? new Map());
        }
        module.exports = module.declarations.flatMap(({ name, tagName }) => [
          { kind: 'js', name, declaration: { name, module: module.path } },
          { kind: 'custom-element-definition', name: tagName, declaration: { name, module: module.path } },
        ]);
      }
      customElementsManifest.modules = customElementsManifest.modules.filter(
        ({ declarations }) => (declarations ?? []).length > 0,
      );
    },
  };
}

/** @param {Declaration} declaration @param {Map<string, string>} decorators */
function describe(declaration, decorators) {
  declaration.members = (declaration.members ?? []).filter(
    ({ name, privacy, static: isStatic }) =>
      !/^[#_]/.test(name) &&
      privacy !== 'private' &&
      privacy !== 'protected' &&
      isStatic !== true &&
      !LIFECYCLE.has(name) &&
      !INNER_DECORATOR.test(decorators.get(name) ?? ''),
  );
  for (const member of declaration.members) {
    const decorator = decorators.get(member.name) ?? '';
    if (!decorator.startsWith('@option(') || decorator.includes('attribute: false')) continue;
    member.attribute = kebab(member.name);
    if (decorator.includes('reflect: true')) member.reflects = true;
    const attribute = (declaration.attributes ?? []).find(({ name }) => name === member.attribute);
    if (attribute) attribute.fieldName = member.name;
  }
}

export default {
  globs: ['src/define.ts', 'src/elements/**/*.ts'],
  outdir: '.',
  litelement: true,
  plugins: [elementsOnly()],
};
