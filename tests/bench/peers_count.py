#!/usr/bin/env python3
"""How many of the peers' own example pipelines need only what docs/peers.md says is here.

usage: tests/bench/peers_count.py [--feature NAME] [--missing] [--write] ARGO TEKTON KFP FLYTE

The arguments are folders: clones of argoproj/argo-workflows, tektoncd/pipeline, kubeflow/pipelines and
flyteorg/flytesnacks. Every example is parsed and classified by the features that it needs (peers_features/, a list of
detectors a peer); which features are here is read from docs/peers.md, whose lines are

    - **loop over a literal list** 19 7 22 0 **new**: ...

with the examples that need it by peer, and `yes` (written directly before issue 18), `new` (since), `rewrite` (only in
other words: extra steps, text of the program) or `no`. Fails where the page has other features or other figures.

--feature NAME  names the examples that need it, and what else each of them needs that is not here
--missing       what stands in the way, by the number of examples that would be written directly with it alone
--write         puts the counted figures into the page
"""
import collections
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from peers_features import argo, flyte, kfp, tekton  # noqa: E402

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/peers.md"
PEERS = {"argo": argo, "tekton": tekton, "kfp": kfp, "flyte": flyte}
LINE = re.compile(r"^- \*\*(?P<name>[^*]+)\*\* (?P<counts>\d+ \d+ \d+ \d+) \*\*(?P<now>yes|new|rewrite|no)\*\*", re.M)


def page():
    """name -> (counts by peer as written, state), as docs/peers.md has it."""
    found = {}
    for m in LINE.finditer(PAGE.read_text()):
        if m["name"] in found:
            sys.exit(f"{PAGE}: '{m['name']}' has two lines")
        found[m["name"]] = [int(n) for n in m["counts"].split()], m["now"]
    return found


def examined(folders):
    """peer -> [(example, its features)]"""
    found = {}
    for (peer, module), folder in zip(PEERS.items(), folders):
        root = pathlib.Path(folder)
        found[peer] = [(name, module.features(e)) for name, e in module.examples(root)]
        if not found[peer]:
            sys.exit(f"{folder}: no example of {peer} there ({module.PATTERN})")
    return found


def counted(examples, names):
    """name -> how many examples need it, by peer."""
    return {n: [sum(n in needs for _, needs in examples[p]) for p in PEERS] for n in names}


def shares(examples, states):
    """(peer, examples, directly before, directly now, now or in other words), the last line for all."""
    rows = []
    for peer in PEERS:
        needs = [{states[f] for f in features} for _, features in examples[peer]]
        rows.append((peer, len(needs), *(sum(n <= fine for n in needs) for fine in (
            {"yes"}, {"yes", "new"}, {"yes", "new", "rewrite"}))))
    return rows + [("all", *(sum(r[i] for r in rows) for i in range(1, 5)))]


def share_table(rows):
    lines = ["| peer | examples | directly before | directly now | now, or in other words |", "| --- | --- | --- | --- | --- |"]
    for peer, total, *parts in rows:
        lines.append(f"| {peer} | {total} | " + " | ".join(f"{p} ({p * 100 // total} %)" for p in parts) + " |")
    return "\n".join(lines)


def written(text, counts, table):
    def line(m):
        return f"- **{m['name']}** {' '.join(map(str, counts[m['name']]))} **{m['now']}**"
    text = LINE.sub(line, text)
    return re.sub(r"\| peer \| examples \|.*?\n(?=\n)", lambda _: table + "\n", text, count=1, flags=re.S)


def missing(examples, states):
    alone = collections.Counter()
    for peer in PEERS:
        for _, features in examples[peer]:
            lacking = {f for f in features if states[f] in ("rewrite", "no")}
            if len(lacking) == 1:
                alone[lacking.pop()] += 1
    return alone.most_common()


def main(arguments):
    options = [a for a in arguments if a.startswith("-")]
    wanted = arguments[arguments.index("--feature") + 1] if "--feature" in options else None
    folders = [a for a in arguments if a not in options and a != wanted]
    if len(folders) != len(PEERS) or set(options) - {"--feature", "--missing", "--write"}:
        print(__doc__)
        return 0 if {"-h", "--help"} & set(options) else 2
    known = page()
    states = {n: s for n, (_, s) in known.items()}
    detected = {n for module in PEERS.values() for n in module.DETECTORS}
    wrong = [f"{n}: the page has no line for it" for n in sorted(detected - known.keys())]
    wrong += [f"{n}: a line of the page, and no detector" for n in sorted(known.keys() - detected)]
    if wrong:
        print("\n".join(wrong))
        return 1
    examples = examined(folders)
    counts = counted(examples, detected)
    table = share_table(shares(examples, states))
    text = PAGE.read_text()
    if "--write" in options:
        PAGE.write_text(written(text, counts, table))
    elif written(text, counts, table) != text:
        print(f"{PAGE} has other figures than these; --write puts them in")
        wrong = [f"{n}: {c}, counted {counts[n]}" for n, (c, _) in known.items() if c != counts[n]]
    if wanted:
        for peer in PEERS:
            for name, needs in examples[peer]:
                if wanted in needs:
                    print(f"{name}: {', '.join(sorted(f for f in needs if states[f] in ('rewrite', 'no'))) or 'written directly'}")
    if "--missing" in options:
        print("\n".join(f"{n:4} {f} ({states[f]})" for f, n in missing(examples, states)))
    print("\n".join(wrong + [table]))
    return 1 if written(text, counts, table) != text and "--write" not in options else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
