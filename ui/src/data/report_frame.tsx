// A report: HTML that a step wrote. It is shown in a frame that may do nothing: no script, no form,
// no window, an origin of its own; the gateway serves it with a policy that says the same.
import { useEffect, useState } from 'preact/hooks';

import { getBlob, inNamespace } from '../api/client';
import { token } from '../api/token';
import { shown } from '../parts/shown';
import { t } from '../words/words';

interface Props {
  namespace: string;
  digest: string;
  path: string;
  title: string;
}

export function contentUrl(namespace: string, digest: string, path: string): string {
  return inNamespace(namespace, ['artifacts', digest, 'content', ...path.split('/')]);
}

export function ReportFrame({ namespace, digest, path, title }: Props) {
  const url = contentUrl(namespace, digest, path) + (path ? '' : '?as=html');
  const [text, setText] = useState<string>();
  // A frame sends no token: with one, the page asks, and the frame is given the text.
  useEffect(() => {
    if (token.value) void getBlob(url).then(async (page) => setText(await page.text()));
  }, [url, token.value]);
  const content = token.value ? { srcdoc: text ?? '' } : { src: url };
  return (
    <iframe
      class="report"
      sandbox=""
      referrerpolicy="no-referrer"
      title={`${t('report')}: ${shown(title)}`}
      {...content}
    />
  );
}
