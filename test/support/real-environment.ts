/**
 * The environment that Node itself reads: jest gives tests a copy of it. Functions of Node's own modules come from outside of
 * the test's realm, and so does what they are made by.
 */
export const realEnvironment: NodeJS.ProcessEnv = setTimeout.constructor('return process.env')();
