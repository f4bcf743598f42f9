/** The part of Mocha's interface that Web Test Runner gives the browser tests. */
declare const describe: {
  (name: string, suite: () => void): void;
  skip(name: string, suite: () => void): void;
};
declare function it(name: string, test: () => void | Promise<void>): void;
declare function beforeEach(hook: () => void | Promise<void>): void;
declare function afterEach(hook: () => void | Promise<void>): void;
