/**
 * The import direction of the house:
 * define ─► index ─► elements ─► room ─► overlay · network · audio ─► wire ─► units, errors.
 * Prints each import that goes the wrong way and ends with 1 when there is one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { root } from './lib/run.mjs';

/** What each room of the house may import: other rooms, then packages. A room may always import itself. */
const MAY = /** @type {Record<string, {rooms: string[], packages: string[]}>} */ ({
  define: { rooms: ['index', 'elements'], packages: [] },
  index: { rooms: ['elements', 'room', 'units', 'errors'], packages: [] },
  elements: { rooms: ['room', 'units', 'errors'], packages: ['lit', '@lit/context'] },
  room: { rooms: ['overlay', 'network', 'audio', 'wire', 'units', 'errors'], packages: [] },
  overlay: { rooms: ['wire', 'units', 'errors'], packages: [] },
  network: { rooms: ['wire', 'units', 'errors'], packages: ['trystero', '@trystero-p2p/torrent'] },
  audio: { rooms: ['wire', 'units', 'errors'], packages: ['fflate', 'libopus-wasm'] },
  wire: { rooms: ['units', 'errors'], packages: [] },
  units: { rooms: [], packages: [] },
  errors: { rooms: [], packages: [] },
});

/** @param {string} file relative to src/ */
const roomOf = (file) => file.split(path.sep)[0]?.replace(/\.ts$/, '') ?? '';

/** @param {string} specifier */
const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** @param {string} file @returns {{specifier: string, line: number}[]} */
function importsOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  /** @type {{specifier: string, line: number}[]} */
  const found = [];
  /** @param {ts.Node | undefined} node */
  const add = (node) => {
    if (!node || !ts.isStringLiteralLike(node)) return;
    found.push({
      specifier: node.text,
      line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
    });
  };
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0]);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const src = `${root}src${path.sep}`;
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
let wrong = 0;
for (const file of files) {
  const room = roomOf(file);
  const may = MAY[room];
  /** @param {number} line @param {string} message */
  const report = (line, message) => {
    wrong++;
    console.log(`src/${file}:${line} ${message}`);
  };
  if (!may) {
    report(1, `"${room}" is no room of the house`);
    continue;
  }
  for (const { specifier, line } of importsOf(src + file)) {
    if (!specifier.startsWith('.')) {
      const name = packageOf(specifier);
      if (!may.packages.includes(name)) report(line, `${room} may not import the package ${name}`);
      continue;
    }
    const target = path.relative(src, path.resolve(path.dirname(src + file), specifier));
    if (target.startsWith('..')) {
      if (!may.packages.some((name) => target.includes(`node_modules/${name}/`)))
        report(line, `${specifier} lies outside src/`);
      continue;
    }
    if (!specifier.endsWith('.js')) report(line, `${specifier}: relative imports end in .js`);
    if (!existsSync(src + target.replace(/\.js$/, '.ts'))) report(line, `${specifier} does not exist`);
    const to = roomOf(target.replace(/\.js$/, '.ts'));
    if (to !== room && !may.rooms.includes(to)) report(line, `${room} may not import ${to} (${specifier})`);
  }
}
console.log(`${files.length} files, ${wrong} imports against the direction of the house`);
if (wrong > 0) process.exitCode = 1;
