import { afterAll } from '@jest/globals';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { keepsTheContract } from '../contract/contract.ts';
import { webhook, webhookPlace } from '../contract/webhook.ts';

let certificates: Certificates | undefined;

keepsTheContract(webhook, async () => {
  certificates = await makeCertificates();
  return webhookPlace(certificates);
});
afterAll(() => certificates?.remove());
