// <sql-desk> around the form of the SQL page: an editor with the reader's own tables, runs that can be stopped, rows that sort, a
// chart and a map of them. The form stays what it is: it is sent as it would be without this, and its answer is the same page.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { PostgreSQL, schemaCompletionSource, sql, type SQLNamespace } from '@codemirror/lang-sql';
import { HighlightStyle, bracketMatching, syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';

import { Refused, ask, element, reader, say, trouble } from './shared/page';

/** Pages of tables that completion knows. */
const PAGES = 10;
/** Rows of a chart. */
const POINTS = 200;
/** Queries that this browser remembers of somebody who is not signed in. */
const REMEMBERED = 30;
const STORE = 'shuqiao-sql';
/** Characters of a text in the address. */
const SHARED = 30_000;

interface Column {
  name: string;
  title: string;
  data_type: string;
  mask: string | null;
}

interface Table {
  department: string;
  department_name: string;
  name: string;
  title: string;
  columns: Column[];
}

interface Tables {
  tables: Table[];
  next: string | null;
}

/** Colours from the tokens of the page, which reach into the shadow. */
const theme = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--raised)', border: '1px solid var(--quiet)', borderRadius: 'var(--radius)', fontSize: '0.9375rem' },
  '&.cm-focused': { outline: '3px solid var(--accent)', outlineOffset: '2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', minHeight: '9rem', maxHeight: '32rem', borderRadius: 'var(--radius)' },
  '.cm-gutter': { minHeight: '9rem' },
  '.cm-content': { caretColor: 'var(--ink)', padding: '0.6rem 0', minHeight: '9rem' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--quiet)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--primary) 6%, transparent)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--primary) 28%, transparent)' },
  '.cm-matchingBracket': { outline: '1px solid var(--primary)' },
  '.cm-placeholder': { color: 'var(--quiet)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--ink)', border: '1px solid var(--line)', borderRadius: 'var(--radius)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--primary)', color: 'var(--on-primary)' },
  // As many as are shown: a list that scrolls would have to be reached by keys.
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { maxHeight: 'none', overflow: 'visible' },
  '.cm-completionDetail': { fontStyle: 'normal', opacity: '0.85' },
});
const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--primary)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: tags.comment, color: 'var(--quiet)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--accent)' },
]);

/**
 * What is typed is written by the editor. Left to the browser, text over a selection is put into elements with styles of their own,
 * which the content security policy refuses, and says so at each key. What is composed, as Chinese is, the browser does write.
 */
function insert(event: InputEvent, view: EditorView): boolean {
  const text = event.data;
  if (event.inputType !== 'insertText' || event.isComposing || view.composing || !text || view.state.selection.ranges.length > 1) return false;
  const { from, to } = view.state.selection.main;
  const plain = () => view.state.update({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, scrollIntoView: true, userEvent: 'input.type' });
  event.preventDefault();
  if (!view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, text, plain))) view.dispatch(plain());
  return true;
}

class SqlDesk extends HTMLElement {
  private editor: EditorView | undefined;
  private readonly language = new Compartment();
  private running: AbortController | undefined;
  private status = element('span', { className: 'quiet' });
  private stop = element('button', { type: 'button', className: 'second', hidden: true }, say('停止', 'Stop'));

  connectedCallback() {
    const [form, text] = [this.querySelector('form'), this.querySelector<HTMLTextAreaElement>('textarea[name="sql"]')];
    if (!form || !text || this.editor) return;
    this.edit(text);
    this.controls(form);
    this.insertions();
    const shared = /^#q=(.*)$/s.exec(location.hash);
    if (shared?.[1]) {
      try {
        this.write(decodeURIComponent(shared[1]));
        // What was shared is read once, and never run by itself.
        window.history.replaceState(null, '', location.pathname + location.search);
      } catch {
        // A broken address shares nothing.
      }
    }
    if (!this.isWriter) this.remembered();
    this.dressAnswer();
    void this.learn();
    this.classList.add('ready');
  }

  private get isWriter() {
    return this.hasAttribute('data-writer');
  }

  private edit(text: HTMLTextAreaElement) {
    const holder = element('div', { className: 'editor' });
    const shadow = holder.attachShadow({ mode: 'open' });
    const label = this.querySelector<HTMLLabelElement>('label[for="sql"]');
    text.before(holder);
    text.hidden = true;
    text.required = false;
    this.editor = new EditorView({
      // In a shadow its styles are constructed sheets, which the content security policy admits.
      root: shadow,
      parent: shadow,
      state: EditorState.create({
        doc: text.value,
        extensions: [
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => (this.run(), true) }])),
          lineNumbers(), highlightActiveLine(), drawSelection(), history(), bracketMatching(), closeBrackets(), autocompletion({ maxRenderedOptions: 10 }),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
          this.language.of(sql({ dialect: PostgreSQL })), syntaxHighlighting(colours), theme, EditorView.lineWrapping,
          placeholder('select …'),
          EditorView.contentAttributes.of({ 'aria-label': label?.textContent ?? 'SQL', spellcheck: 'false', autocapitalize: 'off' }),
          EditorView.domEventHandlers({ beforeinput: (event, view) => insert(event, view) }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) text.value = update.state.doc.toString();
          }),
        ],
      }),
    });
    label?.addEventListener('click', () => this.editor?.focus());
  }

  /** What completion offers: the tables that the reader can read now, and the functions that SQL has here. */
  private async learn() {
    try {
      const tables: Table[] = [];
      let after = '';
      for (let page = 0; page < PAGES; page += 1) {
        const found = (await (await ask(`/api/v1/sql/tables${after}`)).json()) as Tables;
        tables.push(...found.tables);
        if (!found.next) break;
        after = `?after=${encodeURIComponent(found.next.replace('/', '-'))}`;
      }
      const schema: Record<string, Record<string, SQLNamespace>> = {};
      for (const table of tables) {
        const columns = table.columns.map(({ name, title, data_type, mask }) => ({
          label: name, type: 'property', detail: `${title} ${data_type}${mask ? ` · ${say('已脱敏', 'masked')}` : ''}`,
        }));
        (schema[table.department] ??= {})[table.name] = { self: { label: table.name, type: 'class', detail: table.title }, children: columns };
      }
      const functions = (await (await ask('/api/v1/sql/functions')).json()) as { name: string; kind: string; description: string }[];
      const offered = functions.map(({ name, kind, description }) => ({ label: name, type: 'function', detail: kind, info: description.slice(0, 400) }));
      const named = ({ state, pos, explicit }: CompletionContext) => {
        const word = state.sliceDoc(Math.max(0, pos - 60), pos).match(/[A-Za-z_][A-Za-z0-9_]*$/)?.[0] ?? '';
        return word.length < 2 && !explicit ? null : { from: pos - word.length, options: offered };
      };
      const fromTables = schemaCompletionSource({ dialect: PostgreSQL, schema });
      this.editor?.dispatch({
        effects: this.language.reconfigure([
          sql({ dialect: PostgreSQL, schema, upperCaseKeywords: false }),
          PostgreSQL.language.data.of({ autocomplete: named }),
          PostgreSQL.language.data.of({ autocomplete: fromTables }),
        ]),
      });
      this.dataset['tables'] = String(tables.length);
    } catch {
      // An editor without completion is still one.
    }
  }

  private controls(form: HTMLFormElement) {
    const run = form.querySelector<HTMLButtonElement>('.actions button:not([name])');
    const share = element('button', { type: 'button', className: 'second' }, say('复制链接', 'Copy a link'));
    this.status.setAttribute('role', 'status');
    run?.after(this.stop, share);
    form.querySelector('#hint')?.replaceChildren(say('Ctrl+Enter 运行', 'Ctrl+Enter runs it'));
    form.querySelector('#hint')?.after(this.status);
    this.stop.addEventListener('click', () => this.running?.abort());
    share.addEventListener('click', () => void this.share());
    form.addEventListener('submit', (event) => {
      // What is exported or saved is sent as it is.
      if ((event.submitter as HTMLButtonElement | null)?.name) return;
      event.preventDefault();
      this.run();
    });
  }

  /** The text stands behind the `#`, which browsers send to nobody: addresses end in logs. */
  private async share() {
    const text = this.editor?.state.doc.toString() ?? '';
    if (text.length > SHARED) return this.tell(say('语句过长，无法放入链接', 'The text is too long for a link'));
    const link = `${location.origin}/sql${document.documentElement.lang === 'en' ? '?lang=en' : ''}#q=${encodeURIComponent(text)}`;
    try {
      await navigator.clipboard.writeText(link);
      this.tell(say('链接已复制；打开的人按自己的授权查询', 'Copied. Whoever opens it asks under their own grants'));
    } catch {
      const field = element('input', { value: link, readOnly: true, className: 'link' });
      field.setAttribute('aria-label', say('链接', 'Link'));
      this.status.replaceChildren(field);
      field.select();
    }
  }

  private tell(text: string) {
    this.status.replaceChildren(text);
  }

  private write(text: string) {
    const editor = this.editor;
    editor?.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  }

  private run() {
    void this.running?.abort();
    void this.send();
  }

  private async send() {
    const form = this.querySelector('form');
    if (!form) return;
    const running = (this.running = new AbortController());
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) fields.append(name, String(value));
    fields.delete('name');
    // The answer alone is wanted of the page.
    fields.set('part', 'answer');
    this.busy(true);
    this.tell(say('正在查询……', 'Asking …'));
    try {
      const answer = await fetch(form.action, {
        method: 'POST', body: fields, credentials: 'same-origin', headers: { accept: 'text/html', ...reader() }, signal: running.signal,
      });
      const found = new DOMParser().parseFromString(await answer.text(), 'text/html');
      this.answered(found, answer);
      if (!this.isWriter) this.remember(fields.get('sql') ?? '');
    } catch (cause) {
      if (this.running !== running) return;
      this.tell(running.signal.aborted ? say('已停止', 'Stopped') : '');
      if (!running.signal.aborted) this.fail(trouble(cause));
    }
    if (this.running === running) this.busy(false);
  }

  private busy(is: boolean) {
    this.stop.hidden = !is;
    this.querySelector('#answer')?.setAttribute('aria-busy', String(is));
    if (!is) this.running = undefined;
  }

  private answered(found: Document, answer: Response) {
    const [mine, theirs] = [this.querySelector('#rows'), found.querySelector('#rows')];
    if (answer.ok && mine && theirs) {
      mine.replaceChildren(...[...theirs.childNodes].map((child) => document.importNode(child, true)));
      this.querySelector<HTMLElement>('#answer')!.hidden = false;
      this.tell(this.querySelector('#rows [role="status"]') ? say('查询完成', 'Done') : '');
      this.dressAnswer();
      return;
    }
    const said = found.querySelector('.trouble');
    this.tell('');
    this.fail(said ? document.importNode(said, true) : trouble(new Refused(answer.status, String(answer.status))));
  }

  private fail(said: Element) {
    this.querySelector('#rows')?.replaceChildren(said);
    this.querySelector<HTMLElement>('#answer')!.hidden = false;
  }

  // --- The answer.

  private dressAnswer() {
    const table = this.querySelector<HTMLTableElement>('#rows .rows table');
    this.querySelector('#rows .views')?.remove();
    if (!table || table.tBodies[0]?.rows.length === 0) return;
    sortable(table);
    const holder = table.closest('.rows');
    if (!holder) return;
    const views = element('div', { className: 'views' });
    holder.before(views);
    const columns = columnsOf(table);
    const region = element('div', { className: 'view' });
    const show = (name: string) => {
      for (const button of views.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset['view'] === name));
      (holder as HTMLElement).hidden = name !== 'table';
      region.replaceChildren();
      if (name === 'chart') region.append(chartOf(table, columns));
      if (name === 'map') void mapOf(table, columns, where!).then((map) => region.replaceChildren(map), (cause) => region.replaceChildren(trouble(cause)));
    };
    const view = (name: string, label: string) => {
      const button = element('button', { type: 'button', className: 'second' }, label);
      button.dataset['view'] = name;
      button.addEventListener('click', () => show(name));
      views.append(button);
    };
    view('table', say('表格', 'Table'));
    if (columns.some(({ isNumber }) => isNumber)) view('chart', say('图表', 'Chart'));
    const outlines = this.dataset['outlines'];
    const where = places(columns, table, outlines) ?? divisions(columns, table, outlines);
    if (where) view('map', say('地图', 'Map'));
    holder.after(region);
    show('table');
    if (views.childElementCount === 1) views.remove();
  }

  // --- What stands in the list of tables can be written into the text.

  private insertions() {
    for (const code of document.querySelectorAll<HTMLElement>('.schema code.insert')) {
      const button = element('button', { type: 'button', className: 'plain insert', title: say('插入语句', 'Write it into the query') });
      code.replaceWith(button);
      button.append(code);
      code.classList.remove('insert');
      button.addEventListener('click', () => {
        const editor = this.editor;
        if (!editor) return;
        editor.dispatch(editor.state.replaceSelection(code.textContent ?? ''));
        editor.focus();
      });
    }
  }

  // --- What this browser remembers for whoever is not signed in. It is sent to nobody.

  private memory(): string[] {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(STORE) ?? '[]');
      return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : [];
    } catch {
      return [];
    }
  }

  private remember(text: string) {
    if (text.trim() === '') return;
    const kept = [text, ...this.memory().filter((one) => one !== text)].slice(0, REMEMBERED);
    try {
      localStorage.setItem(STORE, JSON.stringify(kept));
    } catch {
      // A browser that keeps nothing remembers nothing.
    }
    this.remembered();
  }

  private remembered() {
    this.querySelector('.remembered')?.remove();
    const kept = this.memory();
    if (kept.length === 0) return;
    const list = element('ul', { className: 'plain' });
    for (const text of kept) {
      const button = element('button', { type: 'button', className: 'plain' }, element('code', {}, text.replace(/\s+/g, ' ').slice(0, 120)));
      button.addEventListener('click', () => this.write(text));
      list.append(element('li', {}, button));
    }
    const forget = element('button', { type: 'button', className: 'second' }, say('清除', 'Forget all'));
    forget.addEventListener('click', () => {
      localStorage.removeItem(STORE);
      this.remembered();
    });
    this.append(element('details', { className: 'remembered' },
      element('summary', {}, say('历史（只存在本机浏览器）', 'History (kept in this browser alone)')), list, element('p', { className: 'actions' }, forget)));
  }
}

interface Shown {
  name: string;
  place: number;
  isNumber: boolean;
}

function columnsOf(table: HTMLTableElement): Shown[] {
  return [...(table.tHead?.rows[0]?.cells ?? [])].map((cell, place) => {
    const kind = cell.querySelector('.quiet')?.textContent ?? '';
    const name = (cell.dataset['name'] ??= (cell.firstChild?.textContent ?? '').trim());
    return { name, place, isNumber: /^(int|float|numeric)/.test(kind) };
  });
}

function value(row: HTMLTableRowElement, place: number): string | undefined {
  const cell = row.cells[place];
  return !cell || cell.classList.contains('null') ? undefined : (cell.textContent ?? '');
}

/** A click on a heading orders the rows that are shown; NULL stays last. */
function sortable(table: HTMLTableElement) {
  const columns = columnsOf(table);
  for (const { place, isNumber } of columns) {
    const head = table.tHead!.rows[0]!.cells[place]!;
    const button = element('button', { type: 'button', className: 'plain sort' });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const isDown = head.getAttribute('aria-sort') === 'ascending';
      for (const cell of table.tHead!.rows[0]!.cells) cell.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
      const body = table.tBodies[0]!;
      const collator = new Intl.Collator('zh-CN');
      const order = (one: HTMLTableRowElement, other: HTMLTableRowElement) => {
        const [first, second] = [value(one, place), value(other, place)];
        if (first === undefined || second === undefined) return Number(first === undefined) - Number(second === undefined);
        const compared = isNumber ? Number(first) - Number(second) : collator.compare(first, second);
        return isDown ? -compared : compared;
      };
      body.append(...[...body.rows].sort(order));
    });
  }
}

function select(label: string, options: [string, string][], change: () => void): [HTMLLabelElement, HTMLSelectElement] {
  const field = element('select', {}, ...options.map(([name, text]) => element('option', { value: name }, text)));
  field.addEventListener('change', change);
  return [element('label', {}, `${label} `, field), field];
}

/** What of the rows is drawn, and how. */
function chartOf(table: HTMLTableElement, columns: Shown[]): HTMLElement {
  const holder = element('div', { className: 'picture' });
  const drawn = element('div');
  const numbers = columns.filter(({ isNumber }) => isNumber);
  const named = columns.find(({ isNumber }) => !isNumber) ?? columns[0];
  const names = columns.map(({ name, place }): [string, string] => [String(place), name]);
  const draw = () => {
    const [x, y] = [Number(across.value), Number(up.value)];
    const body = element('tbody');
    for (const row of [...table.tBodies[0]!.rows].slice(0, POINTS)) {
      const text = value(row, y);
      const cell = element('td', {}, text ?? '');
      cell.dataset['value'] = text !== undefined && Number.isFinite(Number(text)) ? text : '';
      body.append(element('tr', {}, element('td', {}, value(row, x) ?? 'NULL'), cell));
    }
    const head = element('thead', {}, element('tr', {}, ...[x, y].map((place) => element('th', { scope: 'col' }, columns[place]?.name ?? ''))));
    const caption = element('caption', { className: 'unseen' }, `${columns[y]?.name ?? ''} / ${columns[x]?.name ?? ''}`);
    const chart = document.createElement('data-chart');
    chart.setAttribute('kind', kind.value);
    const scroll = element('div', { className: 'scroll', tabIndex: 0 }, element('table', {}, caption, head, body));
    chart.append(element('details', {}, element('summary', {}, say('数据表', 'Table')), scroll));
    drawn.replaceChildren(chart);
  };
  const [kindLabel, kind] = select(say('样式', 'Kind'), [['bars', say('柱', 'Bars')], ['line', say('线', 'Line')], ['area', say('面积', 'Area')]], draw);
  const [acrossLabel, across] = select(say('横轴', 'Across'), names, draw);
  const [upLabel, up] = select(say('数值', 'Value'), numbers.map(({ name, place }) => [String(place), name]), draw);
  across.value = String(named?.place ?? 0);
  const other = numbers.find(({ place }) => place !== named?.place) ?? numbers[0];
  up.value = String(other?.place ?? 0);
  holder.append(element('p', { className: 'actions' }, kindLabel, acrossLabel, upLabel), drawn);
  void import('./chart').then(draw, (cause) => drawn.replaceChildren(trouble(cause)));
  return holder;
}

interface Places {
  kind: 'geometry' | 'point' | 'division';
  first: number;
  second: number;
  outlines?: string;
}

/** A column of division codes and one of numbers, where the city publishes the outlines of its divisions. */
function divisions(columns: Shown[], table: HTMLTableElement, outlines: string | undefined): Places | undefined {
  const rows = [...table.tBodies[0]!.rows];
  const isCode = ({ place }: Shown) => rows.every((row) => /^\d{6}(\d{3}|\d{6})?$/.test(value(row, place) ?? '000000'));
  const code = outlines ? columns.find(isCode) : undefined;
  const number = code && columns.filter(({ isNumber, place }) => isNumber && place !== code.place).at(-1);
  return outlines && code && number ? { kind: 'division', first: code.place, second: number.place, outlines } : undefined;
}

/** The rows as areas, coloured by their number; the table below says the same. */
function areasOf(table: HTMLTableElement, columns: Shown[], { first, second, outlines }: Places): HTMLElement {
  const body = element('tbody');
  for (const row of table.tBodies[0]!.rows) {
    const number = value(row, second);
    const cell = element('td', {}, number ?? '');
    cell.dataset['value'] = number ?? '';
    body.append(element('tr', {}, element('td', {}, value(row, first) ?? ''), cell));
  }
  const head = element('thead', {}, element('tr', {}, ...[first, second].map((place) => element('th', { scope: 'col' }, columns[place]?.name ?? ''))));
  const caption = element('caption', { className: 'unseen' }, columns[second]?.name ?? '');
  const areas = document.createElement('data-choropleth');
  areas.setAttribute('outlines', outlines ?? '');
  areas.append(element('div', { className: 'scroll', tabIndex: 0 }, element('table', {}, caption, head, body)));
  return areas;
}

/** Which columns say where: a GeoJSON geometry, or longitude and latitude. */
function places(columns: Shown[], table: HTMLTableElement, outlines: string | undefined): Places | undefined {
  const row = table.tBodies[0]?.rows[0];
  const ground = outlines ? { outlines } : {};
  const geometry = columns.find(({ place }) => /^\{"(type|coordinates)"/.test((row && value(row, place)) ?? ''));
  if (geometry) return { kind: 'geometry', first: geometry.place, second: geometry.place, ...ground };
  const called = (pattern: RegExp) => columns.find(({ name, isNumber }) => isNumber && pattern.test(name));
  const [east, north] = [called(/^(lon|lng|longitude|经度|.*_lon|.*_lng)$/i), called(/^(lat|latitude|纬度|.*_lat)$/i)];
  return east && north ? { kind: 'point', first: east.place, second: north.place, ...ground } : undefined;
}

/** The rows on the outlines that the city publishes: no other host is asked. */
async function mapOf(table: HTMLTableElement, columns: Shown[], where: Places): Promise<HTMLElement> {
  // The map island brings Leaflet's looks with it.
  const [{ default: leaflet }, { looks }, { outlinesOf }] = await Promise.all([import('leaflet'), import('./shared/looks'), import('./shared/divisions'), import('./map')]);
  if (where.kind === 'division') return areasOf(table, columns, where);
  const holder = element('div', { className: 'map' });
  holder.setAttribute('role', 'region');
  holder.setAttribute('aria-label', say('地图', 'Map'));
  const features = [...table.tBodies[0]!.rows].flatMap((row) => {
    const properties = Object.fromEntries(columns.filter(({ place }) => place !== where.first).map(({ name, place }) => [name, value(row, place) ?? null]));
    const geometry = geometryOf(row, where);
    return geometry ? [{ type: 'Feature' as const, properties, geometry }] : [];
  });
  const colours = looks();
  // A map without a ground is still one.
  const ground = where.outlines ? await outlinesOf(where.outlines).catch(() => undefined) : undefined;
  setTimeout(() => {
    const map = leaflet.map(holder, { attributionControl: false, preferCanvas: true });
    if (ground) leaflet.geoJSON(ground, { interactive: false, style: { color: colours.quiet, weight: 1, fillColor: colours.raised, fillOpacity: 0.6 } }).addTo(map);
    const layer = leaflet.geoJSON(features as never, {
      style: (feature) => (feature?.geometry.type === 'Point' ? {} : { color: colours.primary, weight: 1.5, fillOpacity: 0.18 }),
      pointToLayer: (_, place) => leaflet.circleMarker(place, { radius: 5, color: colours.raised, weight: 1, fillColor: colours.accent, fillOpacity: 0.9 }),
      onEachFeature: (feature, layer) => {
        const list = element('dl', { className: 'facts' });
        for (const [name, text] of Object.entries(feature.properties ?? {})) list.append(element('dt', {}, name), element('dd', {}, String(text ?? 'NULL').slice(0, 300)));
        layer.bindPopup(list, { maxWidth: 320, maxHeight: 260 });
      },
    }).addTo(map);
    const bounds = layer.getBounds();
    if (bounds.isValid()) map.fitBounds(bounds, { padding: [16, 16], maxZoom: 14, animate: false });
    else map.setView([30, 115], 5);
    holder.dataset['features'] = String(features.length);
  });
  return holder;
}

function geometryOf(row: HTMLTableRowElement, where: Places): unknown {
  if (where.kind === 'point') {
    const [east, north] = [Number(value(row, where.first)), Number(value(row, where.second))];
    return Number.isFinite(east) && Number.isFinite(north) && value(row, where.first) !== undefined ? { type: 'Point', coordinates: [east, north] } : undefined;
  }
  try {
    return JSON.parse(value(row, where.first) ?? '') as unknown;
  } catch {
    return undefined;
  }
}

customElements.define('sql-desk', SqlDesk);
