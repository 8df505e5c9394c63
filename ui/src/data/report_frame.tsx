// A report: HTML that a step wrote. It is shown in a frame that may do nothing: no script, no form,
// no window, an origin of its own; the gateway serves it with a policy that says the same.
import { inNamespace } from '../api/client';
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
  return (
    <iframe
      class="report"
      sandbox=""
      referrerpolicy="no-referrer"
      loading="lazy"
      title={`${t('report')}: ${shown(title)}`}
      src={contentUrl(namespace, digest, path) + (path ? '' : '?as=html')}
    />
  );
}
