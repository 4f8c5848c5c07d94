// Results while typing: the page of the same address, of which the results are put into this one.
import { page, swap } from './shared/page';

const REGIONS = ['found', 'results', 'filters'];
const PAUSE = 250;

const form = document.querySelector<HTMLFormElement>('main form.search');
const input = form?.querySelector<HTMLInputElement>('input[name="q"]');

if (form && input) {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | undefined;
  let isTyping = false;

  const address = () => {
    const fields = [...new FormData(form)].filter(([, value]) => value !== '') as [string, string][];
    const asked = new URLSearchParams(fields).toString();
    return form.action + (asked ? `?${asked}` : '');
  };
  const show = async (wanted: string) => {
    asking?.abort();
    asking = new AbortController();
    const results = document.getElementById('results');
    results?.setAttribute('aria-busy', 'true');
    try {
      swap(await page(wanted, asking.signal), REGIONS);
      results?.removeAttribute('aria-busy');
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'AbortError') return;
      // The form goes the ordinary way, and the page says what is wrong.
      location.assign(wanted);
    }
  };
  const search = () => {
    const wanted = address();
    if (wanted === location.href) return;
    // One step back leads to where the typing began.
    if (isTyping) history.replaceState(null, '', wanted);
    else history.pushState(null, '', wanted);
    isTyping = true;
    void show(wanted);
  };

  input.addEventListener('input', (event) => {
    clearTimeout(waiting);
    // Pinyin is not a word yet.
    if (event instanceof InputEvent && event.isComposing) return;
    waiting = setTimeout(search, PAUSE);
  });
  input.addEventListener('compositionend', () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, PAUSE);
  });
  input.addEventListener('blur', () => { isTyping = false; });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    search();
  });
  addEventListener('popstate', () => {
    isTyping = false;
    input.value = new URL(location.href).searchParams.get('q') ?? '';
    void show(location.href);
  });
}
