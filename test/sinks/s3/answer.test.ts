import { describe, expect, test } from '@jest/globals';
import { outcomeOf } from '../../../src/sinks/s3/answer.ts';
import { type Outcome, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { refusal } from '../../support/s3-store.ts';

interface Said {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  readonly more?: string;
  readonly headers?: Record<string, string>;
}

describe('what the store answers', () => {
  test.each([200, 201, 204])('%d: the object is stored', (status) => {
    expect(said({ status })).toEqual({ status: 'delivered', code: status });
  });

  test.each<readonly [Said, string]>([
    [{ status: 403, code: 'SignatureDoesNotMatch' }, 'secretAccessKey isn’t that of accessKeyId'],
    [{ status: 403, code: 'InvalidAccessKeyId' }, 'the store doesn’t know accessKeyId'],
    [{ status: 403, code: 'RequestTimeTooSkewed' }, 'set the clock of this machine'],
    [{ status: 400, code: 'ExpiredToken' }, 'sessionToken has expired'],
    [{ status: 400, code: 'InvalidStorageClass' }, 'storageClass'],
    [{ status: 404, code: 'NoSuchBucket' }, 'create it, or correct bucket'],
    [{ status: 404 }, 'b at h answered 404'],
    [
      { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-1' } },
      'it is in the region eu-west-1: set region to that',
    ],
    [
      { status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>eu-west-1</Region>' },
      'it is in the region eu-west-1: set region to that',
    ],
    [
      { status: 301, code: 'PermanentRedirect', more: '<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>' },
      'it is at b.s3.eu-west-1.amazonaws.com: set region or endpoint',
    ],
    [{ status: 307 }, 'a redirect is not followed'],
    [{ status: 408 }, 'answered 408'],
    [{ status: 500, code: 'InternalError', message: 'a &lt;b&gt; &amp; c' }, 'answered 500 InternalError: a <b> & c'],
    [{ status: 502 }, 'answered 502'],
  ])('%j: nothing can be stored, and what helps', (answer, reason) => {
    expect(said(answer)).toMatchObject({ unavailable: expect.stringContaining(reason), code: answer.status });
  });

  test.each<readonly [Said, number | undefined]>([
    [{ status: 503, code: 'SlowDown', headers: { 'retry-after': '7' } }, 7],
    [{ status: 429, headers: { 'retry-after': '7' } }, 7],
    [{ status: 503, code: 'SlowDown' }, undefined],
  ])('%j: it is left alone for as long as it asks', (answer, seconds) => {
    const { wait } = said(answer) as { wait: number | undefined };
    expect(wait === undefined ? wait : Math.round(wait / 1_000)).toBe(seconds);
  });

  test.each<readonly [Said, Outcome['status']]>([
    [{ status: 403, code: 'AccessDenied' }, 'retry'],
    [{ status: 403 }, 'retry'],
    [{ status: 400, code: 'InvalidRequest', message: 'Content-MD5 is missing' }, 'retry'],
    [{ status: 400, code: 'EntityTooLarge' }, 'dead'],
    [{ status: 413 }, 'dead'],
  ])('%j: this object is not stored, others may be: %s', (answer, status) => {
    expect(said(answer)).toMatchObject({ status, code: answer.status });
  });

  test('no more of it is quoted than an operator reads, and no secret', () => {
    const message = `geheim ${'x'.repeat(60_000)}\n<Code>Other</Code>`;
    const { unavailable } = said({ status: 500, code: 'Internal<b/>Error', message }) as { unavailable: string };
    expect(unavailable).toMatch(/^b at h answered 500 \*\*\* x+$/);
    expect(unavailable.length).toBeLessThan(400);
  });
});

function said({ status, code, message = '', more, headers = {} }: Said): unknown {
  const reply = refusal(status, code ?? '', message, more);
  const body = Buffer.from(code === undefined || typeof reply === 'number' ? '' : (reply.body ?? ''));
  try {
    return outcomeOf({ status, headers, body }, 'b at h', (text) => text.replaceAll('geheim', '***'));
  } catch (error) {
    if (!(error instanceof SinkUnavailable)) throw error;
    return { unavailable: error.message, code: error.code, wait: error.notBefore && error.notBefore - Date.now() };
  }
}
