#!/usr/bin/env python3
"""How many of the peers' own examples need only what docs/peers.md says is here.

usage: tests/bench/peers_count.py [--feature NAME] [--missing] [--write] ARGO TEKTON KFP FLYTE
       tests/bench/peers_count.py --serving [--feature NAME] [--missing] [--write] KSERVE ROLLOUTS

The arguments are folders: clones of argoproj/argo-workflows, tektoncd/pipeline, kubeflow/pipelines and
flyteorg/flytesnacks; with --serving of kserve/kserve and argoproj/argo-rollouts. Every example is parsed and classified by the features that it needs (peers_features/, a list of
detectors a peer); which features are here is read from docs/peers.md, whose lines are

    - **loop over a literal list** 19 7 22 0 **new**: ...

with the examples that need it by peer, and `yes` (written directly before issue 18), `new` (since), `rewrite` (only in
other words: extra steps, text of the program) or `no`. Lines with two figures are those of serving. Fails where the page has other features or other figures.

--feature NAME  names the examples that need it, and what else each of them needs that is not here
--missing       what stands in the way, by the number of examples that would be written directly with it alone
--write         puts the counted figures into the page
"""
import collections
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from peers_features import argo, argo_rollouts, flyte, kfp, kserve, tekton  # noqa: E402

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/peers.md"
PEERS = {"argo": argo, "tekton": tekton, "kfp": kfp, "flyte": flyte}
SERVING = {"kserve": kserve, "argo-rollouts": argo_rollouts}
# What no ModelDeployment is for: examples that need it have a line of their own, without them.
LLM_GRAPH = "LLM graph (scheduler, prefill and decode, workers)"


def line_of(peers):
    """A feature's line of the page, with a figure for each of the peers."""
    counts = " ".join([r"\d+"] * len(peers))
    return re.compile(rf"^- \*\*(?P<name>[^*]+)\*\* (?P<counts>{counts}) \*\*(?P<now>yes|new|rewrite|no)\*\*", re.M)


def head_of(peers):
    """What the table of their shares begins with."""
    return f"| {'server' if peers is SERVING else 'peer'} | examples |"


def page(peers=PEERS):
    """name -> (counts by peer as written, state), as docs/peers.md has it."""
    found = {}
    for m in line_of(peers).finditer(PAGE.read_text()):
        if m["name"] in found:
            sys.exit(f"{PAGE}: '{m['name']}' has two lines")
        found[m["name"]] = [int(n) for n in m["counts"].split()], m["now"]
    return found


def examined(folders, peers=PEERS):
    """peer -> [(example, its features)]"""
    found = {}
    for (peer, module), folder in zip(peers.items(), folders):
        root = pathlib.Path(folder)
        found[peer] = [(name, module.features(e)) for name, e in module.examples(root)]
        if not found[peer]:
            sys.exit(f"{folder}: no example of {peer} there ({module.PATTERN})")
    return found


def counted(examples, names):
    """name -> how many examples need it, by peer."""
    return {n: [sum(n in needs for _, needs in examples[p]) for p in examples] for n in names}


def row_of(peer, needed, states):
    """(peer, examples, directly before, directly now, now or in other words)"""
    needs = [{states[f] for f in features} for features in needed]
    return (peer, len(needs), *(sum(n <= fine for n in needs) for fine in (
        {"yes"}, {"yes", "new"}, {"yes", "new", "rewrite"})))


def shares(examples, states):
    """A row for each peer, one for all, and of serving one for all but graphs of language models."""
    needed = {peer: [features for _, features in of] for peer, of in examples.items()}
    every = [features for of in needed.values() for features in of]
    rows = [row_of(peer, of, states) for peer, of in needed.items()] + [row_of("all", every, states)]
    if LLM_GRAPH in states:
        rows.append(row_of("without LLM graphs", [f for f in every if LLM_GRAPH not in f], states))
    return rows


def share_table(rows, peers=PEERS):
    lines = [head_of(peers) + " directly before | directly now | now, or in other words |", "| --- | --- | --- | --- | --- |"]
    for peer, total, *parts in rows:
        lines.append(f"| {peer} | {total} | " + " | ".join(f"{p} ({p * 100 // total} %)" for p in parts) + " |")
    return "\n".join(lines)


def written(text, counts, table, peers=PEERS):
    def line(m):
        return f"- **{m['name']}** {' '.join(map(str, counts[m['name']]))} **{m['now']}**"
    text = line_of(peers).sub(line, text)
    return re.sub(re.escape(head_of(peers)) + r".*?\n(?=\n)", lambda _: table + "\n", text, count=1, flags=re.S)


def missing(examples, states):
    alone = collections.Counter()
    for of in examples.values():
        for _, features in of:
            lacking = {f for f in features if states[f] in ("rewrite", "no")}
            if len(lacking) == 1:
                alone[lacking.pop()] += 1
    return alone.most_common()


def main(arguments):
    options = [a for a in arguments if a.startswith("-")]
    wanted = arguments[arguments.index("--feature") + 1] if "--feature" in options else None
    folders = [a for a in arguments if a not in options and a != wanted]
    peers = SERVING if "--serving" in options else PEERS
    if len(folders) != len(peers) or set(options) - {"--feature", "--missing", "--serving", "--write"}:
        print(__doc__)
        return 0 if {"-h", "--help"} & set(options) else 2
    known = page(peers)
    states = {n: s for n, (_, s) in known.items()}
    detected = {n for module in peers.values() for n in module.DETECTORS}
    wrong = [f"{n}: the page has no line for it" for n in sorted(detected - known.keys())]
    wrong += [f"{n}: a line of the page, and no detector" for n in sorted(known.keys() - detected)]
    if wrong:
        print("\n".join(wrong))
        return 1
    examples = examined(folders, peers)
    counts = counted(examples, detected)
    table = share_table(shares(examples, states), peers)
    text = PAGE.read_text()
    if "--write" in options:
        PAGE.write_text(written(text, counts, table, peers))
    elif written(text, counts, table, peers) != text:
        print(f"{PAGE} has other figures than these; --write puts them in")
        wrong = [f"{n}: {c}, counted {counts[n]}" for n, (c, _) in known.items() if c != counts[n]]
    if wanted:
        for of in examples.values():
            for name, needs in of:
                if wanted in needs:
                    print(f"{name}: {', '.join(sorted(f for f in needs if states[f] in ('rewrite', 'no'))) or 'written directly'}")
    if "--missing" in options:
        print("\n".join(f"{n:4} {f} ({states[f]})" for f, n in missing(examples, states)))
    print("\n".join(wrong + [table]))
    return 1 if written(text, counts, table, peers) != text and "--write" not in options else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
