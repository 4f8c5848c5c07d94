// <data-materials code="…"> around the form of a material: files of any size, in chunks that survive a broken line (tus 1.0.0).
import { defaultOptions, Upload, type UploadOptions, type UrlStorage } from 'tus-js-client';

import { Bar, button, size, takesDrops } from './shared/bar';
import { dress, element, reader, say } from './shared/page';
import css from './upload.css?inline';

dress(css);

/** Bytes of a chunk: what a broken line costs. */
const CHUNK = 8 << 20;
/** Milliseconds after which a chunk is tried again. */
const AGAIN = [0, 1_000, 3_000, 5_000, 10_000];
/** The field of the last answer that names the material. */
const MATERIAL = 'shuqiao-material';
/** Whether this browser computes hashes here: over https alone. */
const HASHES = globalThis.crypto?.subtle !== undefined;

/** Where uploads are kept to go on with: at a counter somebody else has this browser next, and names of files may tell of people. */
const kept = defaultOptions.urlStorage;
const nameless: UrlStorage = {
  findAllUploads: () => kept.findAllUploads(),
  findUploadsByFingerprint: (fingerprint) => kept.findUploadsByFingerprint(fingerprint),
  removeUpload: (key) => kept.removeUpload(key),
  addUpload: (fingerprint, upload) => kept.addUpload(fingerprint, { ...upload, metadata: {} }),
};

/** What an upload is found again by: the same for the same file and resource, and without its name. Empty finds none. */
async function fingerprint(file: File, { endpoint }: UploadOptions): Promise<string> {
  if (!HASHES) return '';
  const told = JSON.stringify([file.name, file.size, file.lastModified, endpoint]);
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(told));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

class DataMaterials extends HTMLElement {
  private readonly done = element('div', { role: 'status' });

  connectedCallback() {
    const form = this.querySelector('form');
    const input = form?.querySelector<HTMLInputElement>('input[type="file"]');
    if (!form || !input || this.done.isConnected) return;
    input.multiple = true;
    const zone = element('div', { className: 'drop' });
    input.before(zone);
    zone.append(input, element('p', { className: 'quiet' }, say('也可以把多个文件拖到这里。断线后选同一文件即可续传。', 'Or drop several here. After a broken line choose the same file to go on.')));
    takesDrops(zone, input);
    this.prepend(this.done);
    form.addEventListener('submit', (event) => {
      const files = [...(input.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      void this.sendAll(form, files);
    });
    this.dataset['ready'] = 'true';
  }

  /** One after the other. */
  private async sendAll(form: HTMLFormElement, files: File[]) {
    const send = form.querySelector<HTMLButtonElement>('.actions button');
    send?.setAttribute('disabled', '');
    for (const file of files) await this.send(form, file);
    send?.removeAttribute('disabled');
    form.reset();
  }

  private send(form: HTMLFormElement, file: File): Promise<void> {
    return new Promise((resolve) => {
      let digest = '';
      const sending = say(`正在上传 ${file.name}`, `Sending ${file.name}`);
      const over = (...parts: Node[]) => {
        bar.node.remove();
        this.done.append(...parts);
        resolve();
      };
      const upload = new Upload(file, {
        endpoint: `/api/v1/resources/${encodeURIComponent(this.getAttribute('code') ?? '')}/materials`,
        chunkSize: CHUNK,
        retryDelays: AGAIN,
        headers: reader(),
        metadata: { filename: file.name },
        fingerprint,
        urlStorage: nameless,
        storeFingerprintForResuming: HASHES,
        removeFingerprintOnSuccess: true,
        onAfterResponse: (_, response) => {
          digest = response.getHeader(MATERIAL) ?? digest;
        },
        onProgress: (sent, total) => bar.tell(sending, total > 0 ? sent / total : undefined, `${size(sent)} / ${size(total)}`),
        onError: (cause) => over(element('div', { className: 'trouble' }, element('p', {}, `${file.name}: ${reason(cause)}`))),
        onSuccess: () => over(element('div', { className: 'done' },
          element('p', {}, say(`已收到 ${file.name}，请在数据中填写下列摘要值：`, `${file.name} is received. Name it by this in your rows:`)),
          element('pre', { tabIndex: 0 }, element('code', {}, digest)))),
      });
      const pause = button(say('暂停', 'Pause'), () => {
        const isPaused = pause.getAttribute('aria-pressed') === 'true';
        pause.setAttribute('aria-pressed', String(!isPaused));
        if (isPaused) upload.start();
        else void upload.abort();
      });
      pause.setAttribute('aria-pressed', 'false');
      const cancel = button(say('取消', 'Cancel'), () => {
        const told = () => over(element('p', {}, say(`已取消 ${file.name}。`, `${file.name} was cancelled.`)));
        upload.abort(true).then(told, told);
      });
      const bar = new Bar(file.name, pause, cancel);
      form.after(bar.node);
      bar.tell(sending, 0);
      upload.findPreviousUploads().then((before) => {
        if (before[0]) upload.resumeFromPreviousUpload(before[0]);
        upload.start();
      }, () => upload.start());
    });
  }
}

/** What the server said was wrong, or that it said nothing. */
function reason(cause: unknown): string {
  const answer = (cause as { originalResponse?: { getBody(): string } | null }).originalResponse?.getBody();
  try {
    const problem = JSON.parse(answer ?? '') as { detail?: string };
    if (problem.detail) return problem.detail;
  } catch {
    // It is no problem of ours.
  }
  return say('连接中断，选同一文件可以续传', 'the line broke: choose the same file to go on');
}

customElements.define('data-materials', DataMaterials);
