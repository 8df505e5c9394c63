// A graph with its tools: finds, fits, and chooses how it is drawn by how large it is.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import { t } from '../words/words';
import { CanvasGraph } from './canvas_graph';
import { NODE, NODE_DOWN, type Drawn } from './drawing';
import { layout, type Edge, type Layout } from './layout';
import { SvgGraph } from './svg_graph';
import { Viewport } from './viewport';

export const MOST_SVG = 300;
const READABLE = 0.62; // a graph that would be smaller begins at its beginning

interface Props {
  nodes: readonly Drawn[];
  edges: readonly Edge[];
  shape: string; // changes when the nodes or edges do, and not with their phases
  selected?: string;
  find?: string;
  first?: string; // what is looked at first, where not all of it can be read
  hrefOf: (id: string) => string;
  onOpen: (id: string) => void;
  listen?: (listener: (changed: Set<string>) => void) => () => void;
  phaseOf?: (id: string) => string;
}

const scaleOf = (drawn: Layout, box: Viewport) =>
  Math.min(1, box.width / drawn.width, box.height / drawn.height);

const NEVER = () => () => undefined;

export function GraphView(props: Props) {
  const { nodes, edges, shape, selected, find } = props;
  const box = useRef<HTMLDivElement>(null);
  const viewport = useMemo(() => new Viewport(), []);
  const [tall, setTall] = useState<boolean>();
  const large = nodes.length > MOST_SVG;
  // Whichever way of the two is drawn larger; which that is changes with the box's form. A large
  // one has one way, and is laid out once.
  const drawn = useMemo(() => {
    const ids = nodes.map((node) => node.id);
    const across = layout(ids, edges, NODE);
    if (large || tall === undefined) return across;
    const down = layout(ids, edges, NODE_DOWN, true);
    return scaleOf(down, viewport) > scaleOf(across, viewport) ? down : across;
  }, [shape, large ? undefined : tall]);
  const byId = useMemo(() => new Map(nodes.map((node) => [node.id, node])), [nodes]);

  const isFitted = useRef(false);
  function fit() {
    isFitted.current = viewport.hasSize;
    if (!isFitted.current) return;
    viewport.fit(drawn.width, drawn.height);
    if (large || viewport.view.value.k >= READABLE) return;
    const at = drawn.at.get(selected ?? props.first ?? '');
    if (at) viewport.center(at.x, at.y, READABLE);
    else viewport.begin(drawn.width, drawn.height, READABLE);
  }
  // What is chosen stays in view when the box becomes smaller.
  function resize(take: () => void) {
    const at = drawn.at.get(selected ?? '');
    const wasShown = at && viewport.shows(at.x, at.y);
    take();
    if (!viewport.hasSize) return;
    setTall(viewport.height > viewport.width * 0.75);
    if (!isFitted.current) return fit();
    viewport.view.value = { ...viewport.view.value };
    if (wasShown) viewport.reveal(at.x, at.y);
  }
  const latest = useRef({ fit, resize });
  latest.current = { fit, resize };

  useLayoutEffect(
    () => viewport.attach(box.current!, (take) => latest.current.resize(take)),
    [viewport],
  );
  useLayoutEffect(() => latest.current.fit(), [drawn]);
  const chosen = useRef(selected);
  useEffect(() => {
    const at = drawn.at.get(selected ?? '');
    if (at && chosen.current !== selected) viewport.reveal(at.x, at.y);
    chosen.current = selected;
  }, [selected]);

  const words = find?.toLowerCase() ?? '';
  const dim = useMemo(
    () => (id: string) => words !== '' && !byId.get(id)?.said.toLowerCase().includes(words),
    [words, large ? shape : byId],
  );
  const common = {
    layout: drawn,
    nodes: byId,
    selected,
    dim,
    hrefOf: props.hrefOf,
    onOpen: props.onOpen,
    viewport,
  };
  return (
    <div class="graph">
      <div class="graph-tools">
        <button
          type="button"
          class="small"
          onClick={() => viewport.zoom(1.4)}
          aria-label={t('zoomIn')}
        >
          +
        </button>
        <button
          type="button"
          class="small"
          onClick={() => viewport.zoom(1 / 1.4)}
          aria-label={t('zoomOut')}
        >
          −
        </button>
        <button type="button" class="small" onClick={() => viewport.fit(drawn.width, drawn.height)}>
          {t('fit')}
        </button>
      </div>
      <div
        class="graph-box"
        ref={box}
        role="group"
        aria-label={t('graphOf', { count: nodes.length })}
      >
        {large ? (
          <CanvasGraph
            {...common}
            listen={props.listen ?? NEVER}
            phaseOf={props.phaseOf ?? ((id) => byId.get(id)?.phase ?? '')}
          />
        ) : (
          <SvgGraph {...common} />
        )}
      </div>
    </div>
  );
}
