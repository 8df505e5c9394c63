// A graph of thousands of nodes, on a canvas. A step that changes is painted over alone; the whole
// is drawn only when the view moves. The table beside says the same to those who do not see it.
import { useEffect, useRef, useState } from 'preact/hooks';

import { tone, type Tone } from '../parts/phase';
import { dark } from '../shell/theme';
import { t } from '../words/words';
import { neighbour, NODE, shortened, type DrawingProps } from './drawing';
import type { Point } from './layout';
import type { Viewport } from './viewport';

interface Props extends DrawingProps {
  viewport: Viewport;
  listen: (listener: (changed: Set<string>) => void) => () => void;
  phaseOf: (id: string) => string;
}

const NAMED = 0.45; // names are drawn from this scale on
const TONES: Tone[] = ['good', 'bad', 'busy', 'wait', 'idle', 'warn'];

class Painter {
  private readonly colors: Record<string, string> = {};
  private frame = 0;
  private all = true;
  private some = new Set<string>();

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private props: Props,
    private marked: string | undefined,
  ) {
    const style = getComputedStyle(document.documentElement);
    for (const name of [...TONES, 'text', 'surface', 'edge', 'accent', 'line']) {
      this.colors[name] = style.getPropertyValue(`--${name}`).trim();
    }
  }

  take(props: Props, marked: string | undefined) {
    this.props = props;
    this.marked = marked;
    this.paint();
  }

  paint(changed?: Set<string>) {
    if (!changed) this.all = true;
    else for (const id of changed) this.some.add(id);
    this.frame ||= requestAnimationFrame(() => this.now());
  }

  stop() {
    cancelAnimationFrame(this.frame);
  }

  private now() {
    this.frame = 0;
    const { viewport, layout } = this.props;
    const { x, y, k } = viewport.view.value;
    const ratio = devicePixelRatio || 1;
    const context = this.canvas.getContext('2d', { alpha: false })!;
    const width = Math.round(viewport.width * ratio);
    const height = Math.round(viewport.height * ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.all = true;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.all) {
      context.fillStyle = this.colors.surface!;
      context.fillRect(0, 0, viewport.width, viewport.height);
    }
    context.setTransform(ratio * k, 0, 0, ratio * k, ratio * x, ratio * y);
    if (this.all) {
      this.edges(context, k);
      for (const [id, at] of layout.at) this.node(context, id, at, k);
    } else {
      for (const id of this.some) {
        const at = layout.at.get(id);
        if (at) this.node(context, id, at, k);
      }
    }
    this.all = false;
    this.some.clear();
  }

  private edges(context: CanvasRenderingContext2D, k: number) {
    const { layout, selected } = this.props;
    const half = NODE.width / 2;
    const near = new Path2D();
    context.beginPath();
    for (const edge of layout.edges) {
      const from = layout.at.get(edge.from)!;
      const to = layout.at.get(edge.to)!;
      const [top, bottom] = from.y < to.y ? [from.y, to.y] : [to.y, from.y];
      if (!this.isSeen(from.x, top, to.x, bottom)) continue;
      const path = edge.from === selected || edge.to === selected ? near : context;
      path.moveTo(from.x + half, from.y);
      path.lineTo(to.x - half, to.y);
    }
    context.lineWidth = Math.max(0.6, 0.5 / k);
    context.strokeStyle = this.colors.edge!;
    context.stroke();
    context.lineWidth = Math.max(1.5, 1.5 / k);
    context.strokeStyle = this.colors.accent!;
    context.stroke(near);
  }

  private node(context: CanvasRenderingContext2D, id: string, at: Point, k: number) {
    const { nodes, selected, dim, phaseOf } = this.props;
    const left = at.x - NODE.width / 2;
    const top = at.y - NODE.height / 2;
    if (!this.isSeen(left, top, left + NODE.width, top + NODE.height)) return;
    const color = this.colors[tone(phaseOf(id))]!;
    const named = k >= NAMED;
    context.globalAlpha = 1;
    context.fillStyle = this.colors.surface!;
    context.fillRect(left, top, NODE.width, NODE.height);
    context.globalAlpha = dim(id) ? 0.2 : 1;
    context.fillStyle = color;
    context.fillRect(left, top, named ? 5 : NODE.width, NODE.height);
    if (named) {
      context.strokeStyle = this.colors.line!;
      context.lineWidth = 1;
      context.strokeRect(left + 0.5, top + 0.5, NODE.width - 1, NODE.height - 1);
      context.fillStyle = this.colors.text!;
      context.font = '13px system-ui, sans-serif';
      context.fillText(
        shortened(nodes.get(id)?.label ?? id, 20),
        left + 13,
        at.y + 4,
        NODE.width - 18,
      );
    }
    if (id === selected || id === this.marked) {
      context.strokeStyle = this.colors.accent!;
      context.lineWidth = Math.max(2, 2 / k);
      context.strokeRect(left, top, NODE.width, NODE.height);
    }
    context.globalAlpha = 1;
  }

  private isSeen(left: number, top: number, right: number, bottom: number): boolean {
    const { width, height, view } = this.props.viewport;
    const { x, y, k } = view.value;
    return (
      right * k + x >= 0 && left * k + x <= width && bottom * k + y >= 0 && top * k + y <= height
    );
  }
}

export function CanvasGraph(props: Props) {
  const { layout, nodes, selected, viewport, listen, phaseOf } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<Painter | undefined>(undefined);
  const [marked, setMarked] = useState<string>();

  useEffect(() => {
    const made = new Painter(canvas.current!, props, marked);
    painter.current = made;
    const stops = [viewport.view.subscribe(() => made.paint()), listen((c) => made.paint(c))];
    return () => {
      made.stop();
      for (const stop of stops) stop();
    };
  }, [layout, viewport, listen, dark.value]);
  useEffect(() => painter.current?.take(props, marked), [props.dim, selected, marked, nodes]);

  function hit(event: MouseEvent): string | undefined {
    const box = canvas.current!.getBoundingClientRect();
    const { x, y, k } = viewport.view.value;
    const px = (event.clientX - box.left - x) / k;
    const py = (event.clientY - box.top - y) / k;
    const column = layout.layers[Math.floor(px / (NODE.width + NODE.gapLayer))] ?? [];
    const isIn = (id: string) => {
      const at = layout.at.get(id)!;
      return Math.abs(at.x - px) <= NODE.width / 2 && Math.abs(at.y - py) <= NODE.height / 2;
    };
    return column.find(isIn);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Enter' && marked) props.onOpen(marked);
    if (!event.key.startsWith('Arrow')) return;
    event.preventDefault();
    const to = neighbour(layout, marked ?? selected, event.key);
    if (!to) return;
    setMarked(to);
    const at = layout.at.get(to)!;
    viewport.reveal(at.x, at.y);
  }

  return (
    <>
      <canvas
        ref={canvas}
        class="drawing"
        tabIndex={0}
        role="img"
        aria-label={t('graphOf', { count: layout.at.size })}
        onKeyDown={onKeyDown}
        onPointerMove={(e) => {
          const id = hit(e);
          canvas.current!.title = id ? `${nodes.get(id)?.label}\n${phaseOf(id)}` : '';
          canvas.current!.style.cursor = id ? 'pointer' : '';
        }}
        onClick={(event) => {
          const id = hit(event);
          if (id && !viewport.dragged) props.onOpen(id);
        }}
      />
      <span class="said" aria-live="polite">
        {marked && nodes.get(marked)?.said}
      </span>
    </>
  );
}
