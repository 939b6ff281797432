export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }] },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/test/suites/'],
  reporters: ['default', '<rootDir>/scripts/failures.mjs'],
  globalSetup: '<rootDir>/test/support/shared/host.ts',
  globalTeardown: '<rootDir>/test/support/shared/close.ts',
  // Not among temporary files, of which each run has a folder of its own.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  testTimeout: 180_000,
  maxWorkers: 2,
};
