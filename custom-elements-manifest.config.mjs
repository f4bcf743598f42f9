/** What the manifest says beyond the analyzer's own reading: nothing private, and events by their real classes. */

/** Drops what no page author can use: private and protected members, reactive state, underscored names. */
function publicOnly() {
  return {
    name: 'public-only',
    /** @param {{ts: typeof import('typescript'), node: any, moduleDoc: any}} context */
    analyzePhase({ ts, node, moduleDoc }) {
      if (!ts.isClassDeclaration(node) || !node.name) return;
      const states = new Set(
        node.members
          .filter((member) =>
            (ts.getDecorators(/** @type {any} */ (member)) ?? []).some((decorator) =>
              /^@(state|query|queryAll|consume|provide|eventOptions)\b/.test(decorator.getText()),
            ),
          )
          .map((member) => member.name?.getText()),
      );
      const declaration = moduleDoc.declarations?.find(
        (/** @type {any} */ one) => one.name === node.name?.text,
      );
      if (!declaration) return;
      declaration.members = declaration.members?.filter(
        (/** @type {any} */ member) => !states.has(member.name),
      );
    },
    /** @param {{customElementsManifest: any}} context */
    packageLinkPhase({ customElementsManifest }) {
      for (const module of customElementsManifest.modules)
        for (const declaration of module.declarations ?? []) {
          declaration.members = declaration.members?.filter(
            (/** @type {any} */ member) =>
              !member.name.startsWith('#') &&
              !member.name.startsWith('_') &&
              member.privacy !== 'private' &&
              member.privacy !== 'protected' &&
              !LIFECYCLE.has(member.name),
          );
          // `@fires {Type} name` wins; what the analyzer guesses from dispatchEvent() has no name, or is repeated.
          declaration.events = declaration.events?.filter(
            (/** @type {any} */ event, /** @type {number} */ index, /** @type {any[]} */ all) =>
              event.name && all.findIndex((other) => other.name === event.name) === index,
          );
        }
      customElementsManifest.modules = customElementsManifest.modules.filter(
        (/** @type {any} */ module) => (module.declarations ?? []).length > 0,
      );
    },
  };
}

/** Called by Lit or the browser, never by a page. */
const LIFECYCLE = new Set([
  'render',
  'styles',
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

export default {
  globs: ['src/define.ts', 'src/elements/**/*.ts'],
  outdir: '.',
  litelement: true,
  plugins: [publicOnly()],
};
