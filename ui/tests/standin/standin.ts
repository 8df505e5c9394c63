import { hostile } from './hostile';
import { big, many } from './large';
import { StandIn } from './server';
import { small } from './small';

export function standIn(dist: string): StandIn {
  const namespaces = new Map([
    ['ml', small()],
    ['big', big()],
    ['many', many()],
    ['hostile', hostile()],
  ]);
  return new StandIn(namespaces, dist);
}
