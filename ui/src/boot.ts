// Read before the page's script, which is a hundred times its size: what the address shows is asked
// for meanwhile.
import { begin } from './api/early';
import { inNamespace } from './api/path';
import { parse } from './shell/address';

const [namespace, view, name] = parse(location.hash).parts;
if (namespace && view === 'runs' && name && document.visibilityState === 'visible')
  begin(inNamespace(namespace, ['runs', name]));
