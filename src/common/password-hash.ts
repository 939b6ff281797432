import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** N, r and p of scrypt: so much memory (128 N r bytes) and time a try takes. */
interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and a tenth of a second a try: OWASP's floor for scrypt. */
const usual: Cost = { N: 2 ** 15, r: 8, p: 3 };
const keyLength = 32;

/** `scrypt$N$r$p$salt$key`, the last two as base64url: what `http.access.users` holds. */
export async function hashPassword(password: string, cost = usual): Promise<string> {
  const salt = randomBytes(16);
  const key = await keyOf(password, salt, cost);
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

export async function isPassword(password: string, hash: string): Promise<boolean> {
  const known = parse(hash);
  if (known === null) return false;
  const { salt, key, ...parameters } = known;
  return timingSafeEqual(await keyOf(password, salt, parameters), key);
}

/** Whether it is such a hash. */
export function isPasswordHash(text: string): boolean {
  return parse(text) !== null;
}

function keyOf(password: string, salt: Buffer, { N, r, p }: Cost): Promise<Buffer> {
  return derive(password.normalize('NFC'), salt, keyLength, { N, r, p, maxmem: 256 * N * r });
}

function parse(hash: string): (Cost & { salt: Buffer; key: Buffer }) | null {
  const [, n = '', r = '', p = '', salt = '', key = ''] =
    /^scrypt\$(\d{4,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,64})\$([\w-]{43})$/.exec(hash) ?? [];
  const N = Number(n);
  // A power of two, as scrypt wants it, and no more memory than 256 MiB.
  if (N < 2 ** 14 || (N & (N - 1)) !== 0 || N * Number(r) > 2 ** 21 || Number(r) * Number(p) === 0) return null;
  const [saltBytes, keyBytes] = [Buffer.from(salt, 'base64url'), Buffer.from(key, 'base64url')];
  return keyBytes.length === keyLength ? { N, r: Number(r), p: Number(p), salt: saltBytes, key: keyBytes } : null;
}
