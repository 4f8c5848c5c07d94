// What islands share: the reader's language, and parts of pages that are asked for again.

/** The words of the reader's language. */
export function say(chinese: string, english: string): string {
  return document.documentElement.lang === 'en' ? english : chinese;
}

/** The header that says it to our server: what is refused is told in the language of the page, whatever the browser prefers. */
export const reader = () => ({ 'accept-language': document.documentElement.lang });

/** An element with properties and children; texts become text nodes, never HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Looks that an island brings with it: a constructed sheet, which the content security policy admits. */
export function dress(css: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

/** What the server said was wrong, for people. */
export class Refused extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Asks our own server. Where it has no room at the moment it is asked again, twice. */
export async function ask(address: string, options: RequestInit = {}): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    const headers = new Headers(options.headers);
    for (const [name, value] of Object.entries(reader())) headers.set(name, value);
    const answer = await fetch(address, { credentials: 'same-origin', ...options, headers });
    if (answer.ok) return answer;
    if ((answer.status === 429 || answer.status === 503) && attempt < 2) {
      await pause(700 * (attempt + 1));
      continue;
    }
    throw new Refused(answer.status, await reason(answer));
  }
}

/** The same one after the other, each read whole: what a page brings by itself takes one place at a time, of which strangers
 * have few. */
let queue: Promise<unknown> = Promise.resolve();
export function askInTurn(address: string, options: RequestInit = {}): Promise<Response> {
  const work = async () => {
    const answer = await ask(address, options);
    return new Response(await answer.arrayBuffer(), { headers: answer.headers });
  };
  const next = queue.then(work, work);
  queue = next.catch(() => undefined);
  return next;
}

async function reason(answer: Response): Promise<string> {
  if (answer.headers.get('content-type')?.includes('json')) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string; title?: string };
    return problem.detail ?? problem.title ?? `${answer.status}`;
  }
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return page.querySelector('.trouble')?.textContent?.trim() ?? `${answer.status}`;
}

/** A page of the portal as a document that runs nothing. */
export async function page(address: string, signal?: AbortSignal): Promise<Document> {
  const answer = await askInTurn(address, { headers: { accept: 'text/html' }, signal: signal ?? null });
  return new DOMParser().parseFromString(await answer.text(), 'text/html');
}

/** Puts the parts of another page in the place of ours with the same ids. Live regions stay, so that they are read out. */
export function swap(from: Document, ids: string[]): void {
  for (const id of ids) {
    const [mine, theirs] = [document.getElementById(id), from.getElementById(id)];
    if (!mine || !theirs) continue;
    const children = [...theirs.childNodes].map((child) => document.importNode(child, true));
    mine.replaceChildren(...children);
  }
  document.title = from.title;
  const [mine, theirs] = ['.language', '.language'].map((name, place) => (place ? from : document).querySelector<HTMLAnchorElement>(name));
  if (mine && theirs) mine.href = theirs.getAttribute('href') ?? mine.href;
}

/** A message in place of what could not be shown. */
export function trouble(cause: unknown): HTMLElement {
  const why = cause instanceof Error ? cause.message : String(cause);
  return element('p', { className: 'quiet', role: 'status' }, `${say('未能显示', 'Not shown')}: ${why}`);
}

/** Calls once when an element comes into view. */
export function whenSeen(watched: Element, call: () => void): void {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    call();
  }, { rootMargin: '200px' });
  observer.observe(watched);
}
