// ANSI colours as pieces of text with their look. ansi_up parses; what it gives as HTML is left
// alone, so that nothing that a log holds is ever read as HTML.
import { AnsiUp } from 'ansi_up';

export interface Piece {
  text: string;
  color?: string; // a class, or "r,g,b"
  background?: string;
  bold?: boolean;
  faint?: boolean;
  italic?: boolean;
  underline?: boolean;
}

interface Color {
  rgb: number[];
  class_name: string;
}
interface Fragment {
  text: string;
  fg: Color | null;
  bg: Color | null;
  bold: boolean;
  faint: boolean;
  italic: boolean;
  underline: boolean;
}

const colorOf = (color: Color | null) =>
  color === null
    ? undefined
    : color.class_name === 'truecolor'
      ? color.rgb.join(',')
      : color.class_name;

class Pieces extends (AnsiUp as unknown as new () => { ansi_to_html(text: string): string }) {
  pieces: Piece[] = [];

  // What ansi_up calls for each run of text of one look.
  transform_to_html(fragment: Fragment): string {
    if (fragment.text) {
      this.pieces.push({
        text: fragment.text,
        color: colorOf(fragment.fg),
        background: colorOf(fragment.bg),
        bold: fragment.bold || undefined,
        faint: fragment.faint || undefined,
        italic: fragment.italic || undefined,
        underline: fragment.underline || undefined,
      });
    }
    return '';
  }

  // A link (OSC 8) is its text: a log does not lead anybody anywhere.
  process_hyperlink(link: { text: string }): string {
    if (link.text) this.pieces.push({ text: link.text });
    return '';
  }
}

// Of one line. A look that a line leaves open does not go on into the next: lines are drawn alone.
export function pieces(line: string): Piece[] {
  if (!line.includes('\x1b')) return line ? [{ text: line }] : [];
  const parser = new Pieces();
  parser.ansi_to_html(`${line}\x1b[0m`);
  return parser.pieces;
}

// What is left when the looks are taken away: what a search looks at.
export function plain(line: string): string {
  return line.includes('\x1b')
    ? pieces(line)
        .map((piece) => piece.text)
        .join('')
    : line;
}
