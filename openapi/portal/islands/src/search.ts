// Results while typing: the page of the same address, of which the results are put into this one.
import { element, page, swap } from './shared/page';

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
  const results = () => {
    const found = document.getElementById('results');
    if (found) found.tabIndex = -1;
    return found;
  };
  /** Conditions of an address become those of the form. */
  const choose = (wanted: URL) => {
    for (const name of ['topic', 'department', 'opening', 'format']) {
      const value = wanted.searchParams.get(name);
      form.querySelector(`input[type="hidden"][name="${name}"]`)?.remove();
      if (value) form.append(element('input', { type: 'hidden', name, value }));
    }
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

  // Facets, conditions and pages are links: the same page is put in place, and the form keeps what they chose.
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('#filters a, #results .chips a, #results .pager a') : null;
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    clearTimeout(waiting);
    isTyping = false;
    const wanted = link.href;
    const where = link.closest('#filters') ? 'filters' : 'results';
    const text = link.querySelector('span')?.textContent ?? '';
    history.pushState(null, '', wanted);
    choose(new URL(wanted));
    void show(wanted).then(() => {
      // Whoever moves by keys goes on where they were: at the value that was chosen, else at the results.
      const same = [...document.querySelectorAll<HTMLAnchorElement>(`#${where} a`)].find((other) => other.querySelector('span')?.textContent === text);
      if (where === 'filters' && same) same.focus();
      else results()?.focus();
      if (link.rel) scrollTo({ top: 0 });
    });
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    search();
  });
  addEventListener('popstate', () => {
    isTyping = false;
    const now = new URL(location.href);
    input.value = now.searchParams.get('q') ?? '';
    choose(now);
    void show(location.href);
  });
}
