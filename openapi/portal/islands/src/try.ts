// Shows the answer of an operation below the form that tries it. Without it the form leads to the answer itself.

import { reader } from './shared/page';

/** Characters of an answer that are shown; the rest is for programs. */
const SHOWN = 20_000;

class ApiTry extends HTMLElement {
  connectedCallback(): void {
    const form = this.querySelector('form');
    if (form === null) return;
    const shown = document.createElement('pre');
    shown.className = 'answered';
    shown.tabIndex = 0;
    shown.hidden = true;
    shown.setAttribute('role', 'status');
    this.append(shown);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void answer(form, shown);
    });
  }
}

async function answer(form: HTMLFormElement, shown: HTMLElement): Promise<void> {
  shown.hidden = false;
  shown.textContent = '…';
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string' && value !== '') fields.append(name, value);
  }
  try {
    const response = await fetch(`${form.action}?${fields.toString()}`, { headers: { accept: 'application/json, */*;q=0.5', ...reader() } });
    const head = `GET ${response.url}\n${response.status} ${response.headers.get('content-type') ?? ''}\n\n`;
    shown.textContent = head + readable(response.headers.get('content-type') ?? '', await beginning(response));
  } catch (error) {
    shown.textContent = String(error);
  }
}

/** The first characters of an answer; a long one is not read to its end. */
async function beginning(response: Response): Promise<string> {
  const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (body !== undefined && text.length < SHOWN) {
    const { done, value } = await body.read();
    if (done) return text;
    text += value;
  }
  await body?.cancel();
  return `${text.slice(0, SHOWN)}\n…`;
}

function readable(mediaType: string, text: string): string {
  if (!mediaType.includes('json')) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

customElements.define('api-try', ApiTry);
