// Checks a receipt in the reader's own browser: `<data-proof receipt="/receipts/…" keys="/.well-known/jwks.json">`.
//
// It does what `shuqiao verify` does: the platform's signature under the receipt (JWS over canonical JSON, RFC 8785), the log's
// signature under the checkpoint (C2SP signed-note), and from each record the path of hashes to the checkpoint's root
// (RFC 9162). What the browser can't compute is said to be unchecked, never to be right. The page comes from the server that
// is checked: who trusts nobody uses the command line.

import { reader } from './shared/page';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type State = 'good' | 'bad' | 'unknown';
type Step = { state: State; text: string; detail?: string };

interface Receipt {
  issued_at: string;
  records: { [name: string]: Json }[];
  ended: boolean;
  proofs: { index: number; path: string[] }[];
  checkpoint: string;
  signature: string;
}

interface Key {
  kty: string;
  crv: string;
  x: string;
  kid: string;
  alg: string;
  nbf?: number;
  exp?: number;
}

/** What is wrong with what was sent; anything else that is thrown is a fault of ours. */
class Forged extends Error {}

const encoder = new TextEncoder();
const english = document.documentElement.lang === 'en';
const say = (chinese: string, inEnglish: string): string => (english ? inEnglish : chinese);

/** Canonical JSON (RFC 8785): members in the order of their UTF-16 code units, numbers and texts as JavaScript writes them. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const names = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const plain = base64.replace(/-/g, '+').replace(/_/g, '/');
  try {
    return Uint8Array.from(atob(plain), (letter) => letter.charCodeAt(0));
  } catch {
    throw new Forged(say('含有不是 base64 的内容', 'something in it is not base64'));
  }
}

function base64(content: Uint8Array): string {
  return btoa(String.fromCharCode(...content));
}

async function sha256(...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
}

/** Whether the key made the signature; `undefined` where this browser can't tell. */
async function signed(key: Key, signature: Uint8Array<ArrayBuffer>, content: Uint8Array<ArrayBuffer>): Promise<boolean | undefined> {
  if (key.kty !== 'OKP' || key.crv !== 'Ed25519') return undefined;
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey('raw', bytes(key.x), { name: 'Ed25519' }, false, ['verify']);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError') return undefined;
    throw new Forged(say('公钥不是 Ed25519 公钥', 'the public key is none'));
  }
  return crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, content);
}

/** The signature of the platform under the receipt. */
async function receiptSignature(receipt: Receipt, keys: Key[]): Promise<Step> {
  const { issued_at, records, ended, proofs, checkpoint } = receipt;
  const [encoded, empty, signature] = receipt.signature.trim().split('.');
  if (encoded === undefined || empty !== '' || signature === undefined) throw new Forged(say('签名格式不对', 'its signature is no detached JWS'));
  const header = JSON.parse(new TextDecoder().decode(bytes(encoded))) as { alg: string; kid: string; typ: string };
  const key = keys.find((known) => known.kid === header.kid);
  const seconds = Date.parse(issued_at) / 1000;
  if (key === undefined) throw new Forged(say('签名的密钥不是平台公布的密钥', 'the key that signed it is none of the platform\'s'));
  if (header.typ !== 'shuqiao-receipt' || header.alg !== key.alg) throw new Forged(say('签名属于另一种文件', 'the signature is of another kind'));
  if (!(seconds >= (key.nbf ?? -Infinity) && seconds < (key.exp ?? Infinity))) throw new Forged(say('签发时密钥不在有效期内', 'the key was not valid then'));
  const statement = canonical({ issued_at, records, ended, proofs, checkpoint } as unknown as Json);
  const payload = base64(encoder.encode(statement)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const holds = await signed(key, bytes(signature), encoder.encode(`${encoded}.${payload}`));
  return {
    state: holds === undefined ? 'unknown' : holds ? 'good' : 'bad',
    text: holds === undefined
      ? say('回执的签名：本浏览器不能验证这种签名，请用命令行', 'The receipt\'s signature: this browser can\'t check its kind; use the command line')
      : holds
        ? say('回执由平台签名，内容未被改动', 'The platform signed the receipt, and it is as it was signed')
        : say('回执的签名与内容不符', 'The receipt\'s signature does not match its content'),
    detail: `kid ${key.kid}`,
  };
}

/** The head of the log, and whether one of the keys signed it. */
async function head(checkpoint: string, keys: Key[]): Promise<{ size: number; root: string; step: Step }> {
  const end = checkpoint.indexOf('\n\n');
  const text = checkpoint.slice(0, end + 1);
  const [origin, size, root, rest] = text.split('\n');
  if (end < 0 || !origin || !/^(0|[1-9]\d{0,14})$/.test(size ?? '') || bytes(root ?? '').length !== 32 || rest !== '') {
    throw new Forged(say('检查点格式不对', 'the checkpoint is none'));
  }
  let state: State = 'bad';
  for (const line of checkpoint.slice(end + 2).split('\n')) {
    const found = /^— (\S+) (\S+)$/.exec(line);
    if (found === null || found[1] !== origin) continue;
    const content = bytes(found[2] as string);
    for (const key of keys) {
      if (key.crv !== 'Ed25519') {
        if (state === 'bad') state = 'unknown';
        continue;
      }
      // The id of a key in a note: the first bytes of the hash of its name, a line feed, the kind of signature, and the key.
      const id = (await sha256(encoder.encode(`${origin}\n`), Uint8Array.of(1), bytes(key.x))).slice(0, 4);
      if (base64(id) !== base64(content.slice(0, 4))) continue;
      const holds = await signed(key, content.slice(4), encoder.encode(text));
      if (holds === undefined && state === 'bad') state = 'unknown';
      if (holds) state = 'good';
    }
  }
  const said: Record<State, string> = {
    good: say('检查点由日志的密钥签名', 'The log\'s key signed the checkpoint'),
    bad: say('检查点没有日志密钥的有效签名', 'No key of the log signed the checkpoint'),
    unknown: say('检查点的签名：本浏览器不能验证这种签名，请用命令行', 'The checkpoint\'s signature: this browser can\'t check its kind; use the command line'),
  };
  return { size: Number(size), root: root as string, step: { state, text: said[state], detail: `${origin} · ${size} · ${root}` } };
}

/** The way from a record to the root (RFC 9162 section 2.1.3.2). */
async function included(record: Json, proof: { index: number; path: string[] }, size: number, root: string): Promise<Step[]> {
  const steps: Step[] = [];
  let hash = await sha256(Uint8Array.of(0), encoder.encode(canonical(record)));
  steps.push({ state: 'good', text: say('记录的哈希', 'Hash of the record'), detail: base64(hash) });
  let [node, last] = [BigInt(proof.index), BigInt(size) - 1n];
  let fits = node <= last;
  for (const text of proof.path) {
    const sibling = bytes(text);
    if (last === 0n || sibling.length !== 32) fits = false;
    const isLeft = (node & 1n) === 1n || node === last;
    hash = isLeft ? await sha256(Uint8Array.of(1), sibling, hash) : await sha256(Uint8Array.of(1), hash, sibling);
    steps.push({
      state: 'good',
      text: isLeft ? say('与左邻合成', 'With the hash on its left') : say('与右邻合成', 'With the hash on its right'),
      detail: base64(hash),
    });
    while (isLeft && (node & 1n) === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    [node, last] = [node >> 1n, last >> 1n];
  }
  const holds = fits && last === 0n && base64(hash) === root;
  steps.push({
    state: holds ? 'good' : 'bad',
    text: holds
      ? say(`记录 ${proof.index} 在日志里：路径通到签名的根`, `Record ${proof.index} is in the log: the path ends at the signed root`)
      : say(`记录 ${proof.index} 不在这个检查点的日志里`, `Record ${proof.index} is not in the log of this checkpoint`),
  });
  return steps;
}

/** All steps, as far as they come. */
export async function check(receipt: Receipt, keys: Key[]): Promise<Step[]> {
  const steps: Step[] = [];
  try {
    steps.push(await receiptSignature(receipt, keys));
    const { size, root, step } = await head(receipt.checkpoint, keys);
    steps.push(step);
    if (receipt.records.length === 0 || receipt.records.length !== receipt.proofs.length) {
      throw new Forged(say('记录与证明的数目不符', 'there is not one proof for each record'));
    }
    for (const [place, record] of receipt.records.entries()) {
      steps.push(...(await included(record, receipt.proofs[place] as Receipt['proofs'][number], size, root)));
    }
  } catch (error) {
    const why = error instanceof Forged ? error.message : say('内容不是回执', 'this is no receipt');
    steps.push({ state: 'bad', text: why });
  }
  return steps;
}

/** What all steps come to: one that is wrong makes all wrong, one that is unchecked leaves it open. */
export function verdict(steps: Step[]): State {
  if (steps.length === 0 || steps.some(({ state }) => state === 'bad')) return 'bad';
  return steps.some(({ state }) => state === 'unknown') ? 'unknown' : 'good';
}

const VERDICTS: Record<State, string> = {
  good: say('核验通过：每一步都由您的浏览器重新计算。', 'Genuine: your browser has computed each step anew.'),
  bad: say('核验未通过：这份回执不可信。', 'Not genuine: don\'t trust this receipt.'),
  unknown: say('未能完整核验：请用命令行核验。', 'Not checked in full: use the command line.'),
};

async function fetched(address: string): Promise<Json> {
  const answer = await fetch(address, { headers: { accept: 'application/json', ...reader() } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return (await answer.json()) as Json;
}

if (typeof customElements !== 'undefined') {
  customElements.define(
    'data-proof',
    class extends HTMLElement {
      connectedCallback(): void {
        this.run().catch(() => this.show('unknown', say('没有取到回执或公钥，未核验。', 'Receipt or keys did not arrive: nothing was checked.'), []));
      }

      private async run(): Promise<void> {
        if (globalThis.crypto?.subtle === undefined) {
          this.show('unknown', say('浏览器只在 https 连接上提供核验所需的算法，请用命令行核验。', 'Browsers compute hashes over https alone: use the command line.'), []);
          return;
        }
        const [receipt, set] = await Promise.all([fetched(this.getAttribute('receipt') ?? ''), fetched(this.getAttribute('keys') ?? '')]);
        const keys = (set as unknown as { keys: Key[] }).keys;
        const steps = await check(receipt as unknown as Receipt, keys);
        const state = verdict(steps);
        this.show(state, VERDICTS[state], steps);
      }

      private show(state: State, text: string, steps: Step[]): void {
        const said = document.createElement('p');
        said.className = `verdict ${state}`;
        said.setAttribute('role', 'status');
        said.textContent = text;
        const list = document.createElement('ol');
        list.className = 'checks';
        for (const step of steps) {
          const item = document.createElement('li');
          item.className = step.state;
          item.append(step.text);
          if (step.detail !== undefined) {
            const detail = document.createElement('code');
            detail.className = 'digest';
            detail.textContent = step.detail;
            item.append(' ', detail);
          }
          list.append(item);
        }
        const all = document.createElement('details');
        const summary = document.createElement('summary');
        summary.textContent = say(`核验的 ${steps.length} 步`, `The ${steps.length} steps of the check`);
        // Where it holds nobody has to read each step; where it does not, the step that fails is the answer.
        all.open = state !== 'good';
        all.append(summary, list);
        this.replaceChildren(said, ...(steps.length > 0 ? [all] : []));
        this.dataset.state = state;
      }
    },
  );
}
