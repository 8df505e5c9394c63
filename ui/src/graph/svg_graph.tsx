// A graph of up to some hundreds of nodes, in the document: each node is a link.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { SHAPES, tone } from '../parts/phase';
import { curve, cut, neighbour, NODE, type Drawn, type DrawingProps } from './drawing';
import type { Point } from './layout';
import type { Viewport } from './viewport';

export function SvgGraph(props: DrawingProps & { viewport: Viewport }) {
  const { layout, nodes, selected, dim, viewport } = props;
  const group = useRef<SVGGElement>(null);
  const [marked, setMarked] = useState<string>();
  const active = marked ?? selected ?? layout.layers[0]?.[0];

  // Moving the view redraws nothing but this attribute.
  useEffect(
    () =>
      viewport.view.subscribe(({ x, y, k }) =>
        group.current?.setAttribute('transform', `translate(${x} ${y}) scale(${k})`),
      ),
    [viewport],
  );

  const paths = useMemo(
    () => layout.edges.map((edge) => ({ edge, path: curve(layout, edge) })),
    [layout],
  );

  function onKeyDown(event: KeyboardEvent) {
    if (!event.key.startsWith('Arrow')) return;
    const from = (event.target as Element).closest<SVGElement>('[data-id]')?.dataset.id ?? active;
    const to = neighbour(layout, from, event.key);
    event.preventDefault();
    if (!to) return;
    setMarked(to);
    const at = layout.at.get(to)!;
    viewport.reveal(at.x, at.y);
    group.current?.querySelector<SVGAElement>(`[data-id="${CSS.escape(to)}"]`)?.focus();
  }

  return (
    <svg class="drawing" onKeyDown={onKeyDown}>
      <g ref={group}>
        <g class="edges" aria-hidden="true">
          {paths.map(({ edge, path }) => (
            <path
              key={`${edge.from}\n${edge.to}`}
              d={path}
              class={edge.from === selected || edge.to === selected ? 'near' : undefined}
            />
          ))}
        </g>
        {[...layout.at].map(([id, at]) => (
          <Node
            key={id}
            node={nodes.get(id)!}
            at={at}
            href={props.hrefOf(id)}
            selected={id === selected}
            dim={dim(id)}
            stop={id === active}
            onClick={(event) => {
              event.preventDefault();
              if (!viewport.dragged) props.onOpen(id);
            }}
          />
        ))}
      </g>
    </svg>
  );
}

// The middle stays in the document, as small as three dots would be: it is part of the name.
function Cut({ text, most }: { text: string; most: number }) {
  const [head, middle, tail] = cut(text, most);
  if (!middle) return <>{text}</>;
  return (
    <>
      {head}
      <tspan font-size={14 / middle.length}>{middle}</tspan>
      {tail}
    </>
  );
}

interface NodeProps {
  node: Drawn;
  at: Point;
  href: string;
  selected: boolean;
  dim: boolean;
  stop: boolean;
  onClick: (event: MouseEvent) => void;
}

function Node({ node, at, href, selected, dim, stop, onClick }: NodeProps) {
  const of = node.phase === undefined ? 'none' : tone(node.phase);
  const names = [
    'node',
    `tone-${of}`,
    selected && 'selected',
    dim && 'faded',
    node.group && 'group',
  ];
  return (
    <g transform={`translate(${at.x - NODE.width / 2} ${at.y - NODE.height / 2})`}>
      <a
        href={href}
        class={names.filter(Boolean).join(' ')}
        aria-label={node.said}
        aria-current={selected ? 'true' : undefined}
        tabindex={stop ? 0 : -1}
        data-id={node.id}
        draggable={false}
        onClick={onClick}
      >
        <title>{node.label}</title>
        {node.group && (
          <rect class="behind" x="4" y="-4" width={NODE.width} height={NODE.height} rx="4" />
        )}
        <rect class="box" width={NODE.width} height={NODE.height} rx="4" />
        <rect class="side" width="4" height={NODE.height} rx="2" />
        {of !== 'none' && (
          <g class="icon" transform="translate(11 10)">
            <circle cx="8" cy="8" r="6.5" />
            <path d={SHAPES[of]} />
          </g>
        )}
        <text x={of === 'none' ? 13 : 33} y={node.sub ? 15 : 22}>
          <Cut text={node.label} most={of === 'none' ? 20 : 17} />
        </text>{' '}
        {node.sub && (
          <text class="sub" x={of === 'none' ? 13 : 33} y="29">
            <Cut text={node.sub} most={of === 'none' ? 25 : 22} />
          </text>
        )}
        {node.cached && (
          <path
            class="bolt"
            transform={`translate(${NODE.width - 16} 4) scale(.75)`}
            d="M9.5 1.5L3.5 9H8l-1.5 5.5L12.5 7H8z"
          />
        )}
      </a>
    </g>
  );
}
