"""How far one arm lies behind another, in margins: 0.01 of AUC or of accuracy, 2 % of RMSE; cut to [-1, 5]."""
import numpy as np

MARGIN = {"binary": 0.01, "classes": 0.01, "value": 0.02}
LEAST, MOST = -1, 5
DRAWS = 1000


def ranks(values):
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]]
    group = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    ends = np.r_[starts[1:], len(values)]
    out = np.empty(len(values))
    out[order] = ((starts + ends + 1) / 2)[group]
    return out


def auc(y, p):
    positive = y == 1
    n, m = positive.sum(), (~positive).sum()
    if n == 0 or m == 0:
        return np.nan
    return (ranks(p)[positive].sum() - n * (n + 1) / 2) / (n * m)


def loss(task, y, answers):
    """Less is better: 1 - AUC, the error rate, or RMSE."""
    if task == "binary":
        return 1 - auc(y, answers)
    if task == "classes":
        return float(np.mean(answers.argmax(1) != y))
    return float(np.sqrt(np.mean((answers - y) ** 2)))


def margins(task, ours, theirs):
    if task == "value":
        return (ours / theirs - 1) / MARGIN[task]
    return (ours - theirs) / MARGIN[task]


def deficit(task, y, ours, theirs, seed=1):
    """(deficit, low, high): cut; low and high the 95 % interval of the paired bootstrap, not cut."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        rows = rng.integers(0, len(y), len(y))
        a, b = loss(task, y[rows], ours[rows]), loss(task, y[rows], theirs[rows])
        if np.isfinite(a) and np.isfinite(b) and (task != "value" or b > 0):
            drawn.append(margins(task, a, b))
    low, high = np.quantile(drawn, [0.025, 0.975])
    own = margins(task, loss(task, y, ours), loss(task, y, theirs))
    return float(np.clip(own, LEAST, MOST)), float(low), float(high)


def mean_bound(deficits):
    """(mean, one-sided 95 % bound) over the tables, by Student's t."""
    from scipy import stats
    values = np.asarray(deficits)
    if len(values) < 2:
        return float(values.mean()), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() + stats.t.ppf(0.95, len(values) - 1) * error)
