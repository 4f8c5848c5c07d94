// A bar that tells how far something is, with what is done now. Only what is done is read out, not each step of the bar.
import { dress, element } from './page';

dress(`
.task { display: grid; gap: calc(var(--space) * 2); margin-block: calc(var(--space) * 4); max-width: 34rem; }
.task p { margin: 0; }
.task progress { width: 100%; height: 0.75rem; accent-color: var(--primary); }
.task .how-far { color: var(--quiet); font-variant-numeric: tabular-nums; }
`);

/** Where something stands. */
export class Bar {
  private readonly stage = element('p', { role: 'status' });
  private readonly bar = element('progress', { max: 1 });
  private readonly howFar = element('p', { className: 'how-far' });
  readonly node: HTMLElement;

  constructor(name: string, ...buttons: HTMLButtonElement[]) {
    this.bar.setAttribute('aria-label', name);
    this.node = element('div', { className: 'task' }, this.stage, this.bar, this.howFar,
      ...(buttons.length > 0 ? [element('p', { className: 'actions' }, ...buttons)] : []));
  }

  /** What is done now, the share of it that is done, if it is known, and how far it is in words. */
  tell(stage: string, share: number | undefined, howFar = ''): void {
    if (this.stage.textContent !== stage) this.stage.textContent = stage;
    if (share === undefined) this.bar.removeAttribute('value');
    else this.bar.value = share;
    this.howFar.textContent = howFar;
  }
}

/** A size as people read it, as the server writes it on the same page: `3.4 MB` of 10^6 bytes, rounded down. */
export function size(bytes: number): string {
  let [tenths, unit] = [bytes * 10, 'B'];
  for (const next of ['kB', 'MB', 'GB', 'TB']) {
    if (tenths < 10_000) break;
    [tenths, unit] = [Math.floor(tenths / 1000), next];
  }
  return `${tenths / 10} ${unit}`;
}

/** A button that does nothing by itself. */
export function button(name: string, act: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', className: 'second' }, name);
  made.addEventListener('click', act);
  return made;
}

/** Lets a file be dropped on an element as if it had been chosen in the field. */
export function takesDrops(zone: HTMLElement, input: HTMLInputElement): void {
  zone.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('dropping');
  });
  zone.addEventListener('dragleave', () => zone.classList.remove('dropping'));
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('dropping');
    const dropped = event.dataTransfer?.files;
    if (!dropped || dropped.length === 0) return;
    input.files = dropped;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
}
