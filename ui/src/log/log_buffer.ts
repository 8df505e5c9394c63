// A part of a log, without holes: grows at its end as the step writes, and at its beginning as a
// person scrolls up. Bytes become lines here, wherever a part was cut.

const NEWLINE = 10;
const LONGEST = 4096; // characters of a line that are shown

export class LogBuffer {
  lines: string[] = [];
  start = -1; // offset of the first byte held; -1: nothing was taken
  end = 0;
  size = 0;
  complete = false;
  private head = new Uint8Array(0); // of a line whose beginning is not here
  private tail = new Uint8Array(0); // of a line that goes on
  private readonly decoder = new TextDecoder();

  get atBeginning() {
    return this.start <= 0;
  }

  // Whether the last line is without its end.
  get openEnd() {
    return this.tail.length > 0;
  }

  append(bytes: Uint8Array, offset: number, size: number, complete: boolean): number {
    if (this.start < 0) {
      this.start = offset;
      this.end = offset;
      // Not from the beginning: what stands before the first newline belongs to a line not here.
      if (offset > 0) {
        const cut = bytes.indexOf(NEWLINE) + 1;
        this.head = bytes.slice(0, cut);
        bytes = bytes.subarray(cut);
        this.end += cut;
      }
    }
    this.size = size;
    this.complete = complete;
    if (bytes.length === 0) return 0;
    const before = this.lines.length - (this.openEnd ? 1 : 0);
    if (this.openEnd) this.lines.pop();
    const all = joined(this.tail, bytes);
    const last = all.lastIndexOf(NEWLINE) + 1;
    this.push(all.subarray(0, last));
    this.tail = all.slice(last);
    if (this.openEnd) this.lines.push(this.line(this.tail));
    this.end += bytes.length;
    return this.lines.length - before;
  }

  // Of bytes that end where `start` is; how many lines came before the first.
  prepend(bytes: Uint8Array, offset: number): number {
    this.start = offset;
    let all = joined(bytes, this.head);
    this.head = new Uint8Array(0);
    if (offset > 0) {
      const cut = all.indexOf(NEWLINE) + 1;
      this.head = all.slice(0, cut);
      all = all.subarray(cut);
    }
    const later = this.lines;
    this.lines = [];
    this.push(all);
    const added = this.lines.length;
    this.lines = this.lines.concat(later);
    return added;
  }

  private push(bytes: Uint8Array) {
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      this.lines.push(this.line(bytes.subarray(from, at)));
      from = at + 1;
    }
    if (from < bytes.length) this.lines.push(this.line(bytes.subarray(from)));
  }

  // A carriage return writes a line anew, as progress bars do: its last writing counts.
  private line(bytes: Uint8Array): string {
    let text = this.decoder.decode(bytes);
    if (text.endsWith('\r')) text = text.slice(0, -1);
    const anew = text.lastIndexOf('\r');
    if (anew >= 0) text = text.slice(anew + 1);
    if (text.length <= LONGEST) return text;
    return `${text.slice(0, LONGEST)} … ${text.length - LONGEST}`;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
