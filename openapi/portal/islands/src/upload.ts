// <data-upload code="…"> around the form of a delivery: the first rows of the chosen file are checked before it is uploaded, then the
// form is sent as it would be without this, with a bar, and its answer is the same page.
import { figure } from './shared/looks';
import { Bar, button, size, takesDrops } from './shared/bar';
import { BYTES, ROWS, type Row, decoded, delimiterOf, rowsOf, wholeRows } from './shared/delimited';
import { Refused, ask, dress, element, reader, say } from './shared/page';
import css from './upload.css?inline';

dress(css);

/** Rows that are shown where nothing is wrong, and bad ones at most. */
const [GOOD, BAD] = [5, 50];
/** Milliseconds from one look at the server's progress to the next. */
const PAUSE = 500;

interface Item {
  column: string;
  title: string;
}

interface Cell {
  row: number;
  column: string;
  rule: string;
  value: string;
  hint: string | null;
}

interface Sample {
  header: { at: string; rule: string; message: string }[];
  quality: { rows_read: number; rows_quarantined: number; unchecked_references: string[] };
  cells: Cell[];
}

interface Progress {
  stage: 'received' | 'checking' | 'writing' | 'verifying' | 'publishing';
  bytes_read: number;
  bytes_total: number;
  rows_read: number;
  rows_quarantined: number;
  rows_written: number;
}

const RULES: Record<string, [string, string]> = {
  required: ['必填，但为空', 'empty, and required'],
  type: ['不是这种类型的值', 'not of the type'],
  length: ['超过长度', 'too long'],
  range: ['超出最小或最大值', 'outside the range'],
  enumeration: ['不在允许的取值内', 'not an allowed value'],
  format: ['不符合值格式', 'not of the format'],
  unique: ['主键与前面的行重复', 'a key that an earlier row has'],
  material: ['附件还没有上传', 'no such material is uploaded'],
  number_precision: ['电子表格丢失了末尾数字，请按文本重新导出', 'the last digits are lost: export it as text'],
  columns: ['列数与表头不一致', 'not as many fields as the header'],
  encoding: ['编码不是 UTF-8 或 GB18030', 'not text in the file’s encoding'],
  syntax: ['不是一条记录', 'not a record'],
};

const STAGES: Record<Progress['stage'], [string, string]> = {
  received: ['已接收，等待核验', 'Received'],
  checking: ['正在核验', 'Checking the rows'],
  writing: ['正在写入', 'Writing the rows'],
  verifying: ['正在复核并签名', 'Verifying what was written'],
  publishing: ['正在发布', 'Publishing'],
};

const words = ([chinese, english]: [string, string]) => say(chinese, english);

class DataUpload extends HTMLElement {
  private form!: HTMLFormElement;
  private input!: HTMLInputElement;
  private items: Item[] = [];
  private readonly sampled = element('section', { className: 'card sampled', hidden: true });
  private readonly told = element('div');
  private asking: AbortController | undefined;

  connectedCallback() {
    const form = this.querySelector('form');
    const input = form?.querySelector<HTMLInputElement>('input[type="file"]');
    if (!form || !input || this.sampled.isConnected) return;
    [this.form, this.input] = [form, input];
    this.items = [...this.querySelectorAll<HTMLElement>('[data-column]')].map(({ dataset }) => ({ column: dataset['column'] ?? '', title: dataset['title'] ?? '' }));
    const zone = element('div', { className: 'drop' });
    input.before(zone);
    zone.append(input, element('p', { className: 'quiet' }, say('也可以把文件拖到这里。上传前先核验前 1,000 行。', 'Or drop it here. Its first 1,000 rows are checked before it is uploaded.')));
    takesDrops(zone, input);
    this.sampled.setAttribute('aria-live', 'polite');
    form.after(this.sampled);
    form.querySelector('.actions')?.before(this.told);
    input.addEventListener('change', () => {
      this.told.replaceChildren();
      void this.look();
    });
    form.addEventListener('change', (event) => event.target !== input && input.files?.length && void this.look(true));
    form.addEventListener('submit', (event) => {
      if (!input.files?.length) return;
      event.preventDefault();
      this.send();
    });
    this.dataset['ready'] = 'true';
  }

  /** Checks the first rows of the file; what was said of the same file stays until there is something new to say. */
  private async look(isSameFile = false) {
    this.asking?.abort();
    const file = this.input.files?.[0];
    // Nothing moves, and the page grows no shorter: a press that begins by leaving a field would end beside the button.
    if (!isSameFile) this.sampled.hidden = true;
    if (!file) return;
    const asking = new AbortController();
    this.asking = asking;
    try {
      await this.check(file, asking.signal);
    } catch (cause) {
      if (asking.signal.aborted) return;
      const why = cause instanceof Refused ? cause.message : say('没有联系上服务器', 'the server did not answer');
      this.show(element('p', { className: 'verdict bad' }, `${say('未能预先核验：', 'Not checked beforehand: ')}${why}`));
    }
  }

  private async check(file: File, signal: AbortSignal) {
    const kind = file.name.toLowerCase().split('.').pop() ?? '';
    const isLines = ['jsonl', 'ndjson'].includes(kind);
    if (!isLines && !['csv', 'tsv', 'txt'].includes(kind)) {
      const message = say('这种格式不能预先核验（CSV 和 JSON Lines 可以）。上传后会逐行核验全部内容。', 'This format is not checked beforehand (CSV and JSON Lines are). All of it is when it is uploaded.');
      return this.show(element('p', {}, message));
    }
    const bytes = new Uint8Array(await file.slice(0, BYTES).arrayBuffer());
    const end = wholeRows(bytes, file.size <= BYTES, isLines ? ROWS : ROWS + 1, !isLines);
    const text = decoded(bytes.subarray(0, end));
    if (end === 0 || text === undefined) {
      return this.show(element('p', {}, say('文件的开头不能单独核验，上传后会逐行核验全部内容。', 'Its beginning can’t be checked by itself. All of it is when it is uploaded.')));
    }
    const asked = new URLSearchParams({ name: isLines ? 'sample.jsonl' : 'sample.csv', ...this.wishes() });
    const address = `/api/v1/resources/${encodeURIComponent(this.getAttribute('code') ?? '')}/data/sample?${asked.toString()}`;
    const answer = await ask(address, {
      method: 'POST', body: file.slice(0, end), signal,
      headers: { 'content-type': isLines ? 'application/jsonl' : 'text/csv', accept: 'application/json' },
    });
    const sample = (await answer.json()) as Sample;
    if (signal.aborted) return;
    const rows = isLines ? [] : rowsOf(text.replace(/^\uFEFF/, ''), delimiterOf(text, (name) => this.item(name) !== undefined));
    this.report(sample, rows, end < file.size);
  }

  /** What of the form the check depends on. */
  private wishes(): Record<string, string> {
    const fields = new FormData(this.form);
    const text = (name: string) => String(fields.get(name) ?? '').trim();
    const change = { change: text('change') || 'replace' };
    if (text('breaking') !== 'true') return change;
    return { ...change, breaking: 'true', reason: text('reason') || '-', notice_days: text('notice_days') || '30' };
  }

  private item(name: string): Item | undefined {
    const wanted = name.replace(/^\uFEFF/, '').trim();
    return this.items.find(({ column, title }) => title === wanted || column === wanted.toLowerCase());
  }

  private report({ header, quality, cells }: Sample, rows: Row[], isPart: boolean) {
    const names = rows[0]?.fields ?? [];
    if (header.length > 0) {
      const lines = header.map(({ at, rule, message }) => element('li', {}, this.columnProblem(at, rule, names) ?? message));
      return this.show(element('p', { className: 'verdict bad' }, say('表头与信息项不一致，改好后再上传：', 'The header does not fit the items. Mend it first:')), element('ul', {}, ...lines));
    }
    const { rows_read: read, rows_quarantined: bad } = quality;
    const scope = isPart ? say(`已核验开头 ${figure(read)} 行`, `The first ${figure(read)} rows were checked`) : say(`已核验全部 ${figure(read)} 行`, `All ${figure(read)} rows were checked`);
    const most = Number(new FormData(this.form).get('threshold') ?? '');
    const isTooBad = bad > 0 && Number.isFinite(most) && bad / Math.max(1, read) > most;
    const found = bad === 0 ? say('没有发现问题。', 'nothing is wrong.') : say(`${figure(bad)} 行不合格。`, `${figure(bad)} are bad.`);
    const refused = isTooBad ? say('不合格占比超过上限，这样上传会被退回。', ' That is more than the share you allow: the upload would be refused.') : '';
    const parts: Node[] = [element('p', { className: `verdict ${bad === 0 ? 'good' : 'bad'}` }, `${scope}${say('，', ': ')}${found}${refused}`)];
    if (cells.length > 0 || rows.length > 1) parts.push(this.grid(names, rows.slice(1), cells));
    if (quality.unchecked_references.length > 0) parts.push(element('p', { className: 'quiet' }, say('引用和已有主键在上传后核验。', 'References and keys of other rows are checked after the upload.')));
    this.show(...parts);
    this.sampled.dataset['bad'] = String(bad);
  }

  private columnProblem(at: string, rule: string, names: string[]): string | undefined {
    const place = Number(/^column (\d+)$/.exec(at)?.[1] ?? 0);
    const name = names[place - 1] ?? '';
    const title = this.items.find(({ column }) => column === at)?.title ?? '';
    if (rule === 'header.missing') return say(`缺少必填列：${title}（${at}）`, `The required column ${at} (${title}) is missing`);
    if (rule === 'header.unknown' && place > 0) return say(`第 ${place} 列“${name}”不是信息项，请改名或删除`, `Column ${place}, “${name}”, is no item: rename or remove it`);
    if (rule === 'header.twice' && place > 0) return say(`第 ${place} 列“${name}”重复`, `Column ${place}, “${name}”, stands there twice`);
    return undefined;
  }

  /** The rows with what is wrong in them, after the first rows as they are; of files without columns the bad cells alone. */
  private grid(names: string[], rows: Row[], cells: Cell[]): HTMLElement {
    const badLines = new Set(cells.map(({ row }) => row));
    const shown = [...rows.filter(({ line }) => !badLines.has(line)).slice(0, badLines.size > 0 ? 1 : GOOD), ...rows.filter(({ line }) => badLines.has(line)).slice(0, BAD)].sort((one, other) => one.line - other.line);
    const known = new Set(shown.map(({ line }) => line));
    const heads = [say('行', 'Line'), ...names, say('整行', 'The whole row')];
    const lines = shown.map((row) => {
      const here = cells.filter((cell) => cell.row === row.line);
      const columns = names.map((name) => this.item(name)?.column ?? '');
      const own = columns.map((column) => here.filter((cell) => cell.column.split(',').includes(column)));
      const whole = here.filter((cell) => !own.flat().includes(cell));
      return element('tr', {}, element('th', { scope: 'row' }, String(row.line)),
        ...own.map((wrong, place) => badCell(row.fields[place] ?? '', wrong)), badCell('', whole));
    });
    const rest = cells.filter(({ row }) => !known.has(row)).slice(0, BAD);
    const table = element('table', {}, element('caption', { className: 'unseen' }, say('预先核验的行', 'Rows that were checked')),
      element('thead', {}, element('tr', {}, ...heads.map((name) => element('th', { scope: 'col', lang: 'zh-CN' }, name)))), element('tbody', {}, ...lines));
    const list = rest.map((cell) => element('li', {}, `${say('第', 'Line ')} ${cell.row} ${say('行', '')} · `, element('code', {}, cell.column), ` “${cell.value}”: ${why(cell)}`));
    const holder = element('div', { className: 'sheet', tabIndex: 0, role: 'region', ariaLabel: say('预先核验的行', 'Rows that were checked') }, table);
    return element('div', {}, ...(lines.length > 0 ? [holder] : []), ...(list.length > 0 ? [element('ul', {}, ...list)] : []));
  }

  private show(...parts: Node[]) {
    delete this.sampled.dataset['bad'];
    this.sampled.replaceChildren(element('h2', {}, say('上传前的核验', 'Checked beforehand')), ...parts);
    this.sampled.hidden = false;
  }

  /** Sends the form, and puts its answer in the place of this page. */
  private send() {
    const follow = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const address = new URL(this.form.action);
    address.searchParams.set('follow', follow);
    const request = new XMLHttpRequest();
    const send = this.form.querySelector<HTMLButtonElement>('.actions button');
    const bar = new Bar(say('上传进度', 'Progress of the upload'), button(say('取消上传', 'Cancel'), () => request.abort()));
    const sending = say('正在上传', 'Sending');
    let isOver = false;
    // From then on the server may have done its part, whatever becomes of its answer.
    let hasLeft = false;
    const end = (...parts: Node[]) => {
      isOver = true;
      send?.removeAttribute('disabled');
      this.told.replaceChildren(...parts);
    };
    request.upload.addEventListener('progress', ({ loaded, total }) => bar.tell(sending, total > 0 ? loaded / total : undefined, `${size(loaded)} / ${size(total)}`));
    request.upload.addEventListener('load', () => {
      hasLeft = true;
      bar.tell(words(STAGES.received), undefined);
      void this.follow(follow, bar, () => isOver);
    });
    const open = say('文件已全部发出，可能已生成待发布的版本，请先在数据集页面核对。', 'All of the file had left, so a version may wait to be published: look at the dataset’s page first.');
    request.addEventListener('abort', () => {
      const told = hasLeft ? `${say('已停止等待。', 'No longer waiting. ')}${open}` : say('已取消，没有生成版本。', 'Cancelled: no version was made.');
      end(element('p', { role: 'status' }, told));
    });
    request.addEventListener('error', () => {
      const told = hasLeft ? `${say('连接中断。', 'The line broke. ')}${open}` : say('连接中断，没有生成版本。请再试一次。', 'The line broke, and no version was made. Try again.');
      end(trouble(told));
    });
    request.addEventListener('load', () => {
      const page = new DOMParser().parseFromString(request.responseText, 'text/html');
      if (request.status === 200 && show(page)) return;
      // What refuses it says so in this place; a session that has ended gets a page to sign in, and a gateway has its own.
      const why = page.querySelector<HTMLElement>('.trouble');
      if (why) return end(document.importNode(why, true));
      if (request.status === 401) return end(trouble(say('登录已失效，文件没有上传。请在新窗口登录后再上传。', 'Your session has ended, and nothing was uploaded. Sign in in another window, then upload again.')));
      const isKnown = request.status >= 400 && request.status < 500;
      end(trouble(isKnown ? String(request.status) : `${say('没有得到结果', 'No result came')} (${request.status})${say('。', '. ')}${open}`));
    });
    bar.tell(sending, 0);
    this.told.replaceChildren(bar.node);
    send?.setAttribute('disabled', '');
    request.open('POST', address);
    request.setRequestHeader('accept', 'text/html');
    request.send(new FormData(this.form));
  }

  /** Tells what the server does with the file, until it has answered. */
  private async follow(name: string, bar: Bar, isOver: () => boolean) {
    const address = `/api/v1/resources/${encodeURIComponent(this.getAttribute('code') ?? '')}/data/progress?follow=${name}`;
    while (!isOver()) {
      const answer = await fetch(address, { headers: { accept: 'application/json', ...reader() } }).catch(() => undefined);
      if (isOver()) return;
      // Before it begins, and after its end, there is none.
      if (answer?.status === 200) {
        const told = (await answer.json()) as Progress;
        const good = told.rows_read - told.rows_quarantined;
        const share = { received: undefined, checking: told.bytes_total > 0 ? told.bytes_read / told.bytes_total : undefined, writing: good > 0 ? told.rows_written / good : undefined, verifying: undefined, publishing: undefined }[told.stage];
        const checked = say(`已核验 ${figure(told.rows_read)} 行，不合格 ${figure(told.rows_quarantined)} 行`, `${figure(told.rows_read)} rows checked, ${figure(told.rows_quarantined)} bad`);
        const written = told.rows_written > 0 ? say(`，已写入 ${figure(told.rows_written)} 行`, `, ${figure(told.rows_written)} written`) : '';
        bar.tell(words(STAGES[told.stage]), share, told.rows_read > 0 ? checked + written : '');
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

function why({ rule, hint }: Cell): string {
  const known = RULES[rule];
  return known ? words(known) : hint ?? rule;
}

function badCell(value: string, wrong: Cell[]): HTMLTableCellElement {
  if (wrong.length === 0) return element('td', {}, value);
  return element('td', { className: 'wrong' }, value, ...wrong.map((cell) => element('span', { className: 'why' }, why(cell))));
}

function trouble(why: string): HTMLElement {
  return element('div', { className: 'trouble', role: 'alert' }, element('p', {}, why));
}

/** Puts another page's content here, under the address by which it is found again. */
function show(page: Document): boolean {
  const [mine, theirs] = [document.querySelector('main'), page.querySelector('main')];
  const address = theirs?.querySelector('form[action*="/waiting"]')?.getAttribute('action');
  if (!mine || !theirs || !address) return false;
  history.pushState(null, '', address);
  // Back to the form that was answered.
  addEventListener('popstate', () => location.reload());
  document.title = page.title;
  mine.replaceChildren(...[...theirs.childNodes].map((child) => document.importNode(child, true)));
  const head = mine.querySelector('h1');
  head?.setAttribute('tabindex', '-1');
  head?.focus();
  scrollTo(0, 0);
  return true;
}

customElements.define('data-upload', DataUpload);
