/** Lint rules beyond the recommended ones each guard a rule of this code base; the reason stands in their message. */
import eslint from '@eslint/js';
import { configs as lit } from 'eslint-plugin-lit';
import tseslint from 'typescript-eslint';

const impureGlobals = [
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'requestAnimationFrame',
  'crypto',
  'fetch',
  'navigator',
  'window',
  'self',
  'document',
  'process',
].map((name) => ({ name, message: 'wire and overlay are pure: time and chance come in as arguments.' }));

export default tseslint.config(
  {
    ignores: [
      'dist/',
      '.cache/',
      'node_modules/',
      'bench/reports/',
      'coverage/',
      'scripts/lib/text-coding.d.ts',
    ],
  },
  eslint.configs.recommended,
  ...tseslint.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // The compiler reports undefined names, and knows the environments better.
      'no-undef': 'off',
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: ['error', 'always'],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-var': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      'no-constant-condition': ['error', { checkLoops: 'allExceptWhileTrue' }],
    },
  },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: { project: './tsconfig.tools.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['test', 'describe', 'it', 'suite', 'before', 'after'],
            },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
    },
  },
  {
    files: ['src/elements/**/*.ts'],
    ...lit['flat/recommended'],
    rules: { ...lit['flat/recommended'].rules, 'lit/no-template-map': 'off' },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'no-console': ['error', { allow: ['warn', 'error', 'debug'] }] },
  },
  {
    files: ['src/wire/**/*.ts', 'src/overlay/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Take a seeded generator as an argument.' },
        { object: 'Date', property: 'now', message: 'Take nowMs as an argument.' },
        { object: 'globalThis', message: 'wire and overlay are pure.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date']", message: 'Take nowMs as an argument.' },
        { selector: "CallExpression[callee.name='Date']", message: 'Take nowMs as an argument.' },
        { selector: 'AwaitExpression', message: 'wire and overlay are synchronous.' },
        { selector: "NewExpression[callee.name='Promise']", message: 'wire and overlay are synchronous.' },
      ],
    },
  },
  {
    // Tests of Web Test Runner assert by expressions (chai).
    files: ['test/**/*.browser.test.ts', 'test/elements/**/*.ts'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off' },
  },
  {
    // The types of chai's plugins make every assertion look like a promise.
    files: ['test/**/*.browser.test.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
);
