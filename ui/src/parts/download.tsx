// A link that saves what it leads to. A browser's own link sends no token: with one, the page asks.
import type { ComponentChildren } from 'preact';

import { getBlob } from '../api/client';
import { token } from '../api/token';

interface Props {
  url: string;
  name: string;
  class?: string;
  children: ComponentChildren;
}

export function Download({ url, name, children, ...rest }: Props) {
  async function save(event: Event) {
    if (!token.value) return;
    event.preventDefault();
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await getBlob(url));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }
  return (
    <a href={url} download={name} onClick={(e) => void save(e)} {...rest}>
      {children}
    </a>
  );
}
