/** The part of the analyzer we use; the package has no types of its own. */
declare module '@custom-elements-manifest/analyzer/cli.js' {
  export function cli(options: { argv: string[]; cwd: string; noWrite: boolean }): Promise<{
    modules: { path: string; declarations: { name: string; tagName?: string }[] }[];
  }>;
}
