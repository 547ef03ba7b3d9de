"""Golden values for tumorlens-stats, from scikit-learn, SciPy and literal O(n^2) formulas.

Run: python make_golden.py   (writes golden.json beside itself; needs numpy, scipy, scikit-learn)

Everything is drawn from numpy's default_rng(SEED), so the same versions write the same file.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import optimize, stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

SEED = 20_250_731


def scores(rng, truth, separation, digits):
    """Probabilities that rise with the truth; few digits make ties."""
    logits = separation * (truth - 0.5) + rng.normal(size=len(truth))
    return np.round(1 / (1 + np.exp(-logits)), digits)


def ece(happened, p, count):
    edges = np.linspace(0, 1, count + 1)
    bins = np.searchsorted(edges[1:-1], p)
    return sum(abs(p[bins == b].sum() - happened[bins == b].sum()) for b in range(count)) / len(p)


def binary(rng, name, n, share, separation, digits):
    truth = (rng.random(n) < share).astype(int)
    p = scores(rng, truth, separation, digits)
    called = (p >= 0.5).astype(int)
    fpr, tpr, _ = metrics.roc_curve(truth, p, drop_intermediate=False)
    precision, recall, _ = metrics.precision_recall_curve(truth, p)
    observed, mean_p = calibration_curve(truth, p, n_bins=10)
    tn, fp, fn, tp = metrics.confusion_matrix(truth, called).ravel().tolist()
    return {
        "name": name,
        "truth": truth.tolist(),
        "scores": p.tolist(),
        "confusion": {"true_positive": tp, "false_positive": fp, "true_negative": tn, "false_negative": fn},
        "figures": {
            "accuracy": metrics.accuracy_score(truth, called),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
            "sensitivity": metrics.recall_score(truth, called),
            "specificity": metrics.recall_score(truth, called, pos_label=0),
            "ppv": metrics.precision_score(truth, called),
            "npv": metrics.precision_score(truth, called, pos_label=0),
            "f1": metrics.f1_score(truth, called),
            "mcc": metrics.matthews_corrcoef(truth, called),
            "auroc": metrics.roc_auc_score(truth, p),
            "auprc": metrics.average_precision_score(truth, p),
            "brier": metrics.brier_score_loss(truth, p),
            "log_loss": metrics.log_loss(truth, p),
            "ece": ece(truth, p, 10),
        },
        "partial_auroc": {"0.1": metrics.roc_auc_score(truth, p, max_fpr=0.1),
                          "0.3": metrics.roc_auc_score(truth, p, max_fpr=0.3)},
        "roc": {"fpr": fpr.tolist(), "tpr": tpr.tolist()},
        # scikit-learn goes by rising threshold and ends with an invented point at recall 0.
        "precision_recall": {"precision": precision[-2::-1].tolist(), "recall": recall[-2::-1].tolist()},
        "reliability": {"observed": observed.tolist(), "mean_probability": mean_p.tolist()},
    }


def multiclass(rng, classes, n):
    truth = np.concatenate([np.arange(classes), rng.integers(classes, size=n - classes)])
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), truth] += 1.2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    called = p.argmax(axis=1)
    onehot = np.eye(classes)[truth]
    macro = {"average": "macro"}
    return {
        "classes": classes,
        "truth": truth.tolist(),
        "probabilities": p.tolist(),
        "confusion": metrics.confusion_matrix(truth, called).tolist(),
        "overall": {
            "accuracy": metrics.accuracy_score(truth, called),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
            "mcc": metrics.matthews_corrcoef(truth, called),
            "brier": float(((p - onehot) ** 2).sum(axis=1).mean()),
            "log_loss": metrics.log_loss(truth, p),
            "ece": ece((called == truth).astype(int), p.max(axis=1), 10),
        },
        "class_mean": {
            "sensitivity": metrics.recall_score(truth, called, **macro),
            "ppv": metrics.precision_score(truth, called, **macro),
            "f1": metrics.f1_score(truth, called, **macro),
            "auroc": metrics.roc_auc_score(truth, p, multi_class="ovr", **macro),
            "auprc": metrics.average_precision_score(onehot, p, **macro),
        },
    }


def components(positive, negative):
    """Structural components, pair by pair, as DeLong et al. write them."""
    psi = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    return psi.mean(), psi.mean(axis=1), psi.mean(axis=0)


def delong(rng, n, digits):
    truth = np.arange(n) % 3 == 0
    first = scores(rng, truth, 1.5, digits)
    second = scores(rng, truth, 0.9, digits)
    a, v10a, v01a = components(first[truth], first[~truth])
    b, v10b, v01b = components(second[truth], second[~truth])
    s10 = np.cov(v10a, v10b)
    s01 = np.cov(v01a, v01b)
    s = s10 / truth.sum() + s01 / (~truth).sum()
    z = (a - b) / np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    logit_half = stats.norm.ppf(0.975) * np.sqrt(s[0, 0]) / (a * (1 - a))
    logit = np.log(a / (1 - a))
    return {
        "truth": truth.tolist(),
        "first": first.tolist(),
        "second": second.tolist(),
        "auroc": [a, b],
        "variance": [s[0, 0], s[1, 1]],
        "covariance": s[0, 1],
        "p_value": 2 * stats.norm.sf(abs(z)),
        "interval_of_first": [1 / (1 + np.exp(-(logit - logit_half))), 1 / (1 + np.exp(-(logit + logit_half)))],
    }


def clustered(rng, groups, digits):
    """Obuchowski 1997, equations as printed: S10, S01, S11 of components summed within groups."""
    sizes = rng.integers(1, 5, size=groups)
    group = np.repeat(np.arange(groups), sizes)
    tendency = rng.normal(size=groups)[group]
    truth = rng.random(len(group)) < 1 / (1 + np.exp(-tendency))
    both = [np.round(1.2 * truth + 0.8 * tendency + rng.normal(size=len(group)), digits) for _ in range(2)]
    parts = [components(s[truth], s[~truth]) for s in both]
    m, n = truth.sum(), (~truth).sum()
    has10 = len(set(group[truth]))
    has01 = len(set(group[~truth]))

    def covariance(x, y):
        s10 = s01 = s11 = 0.0
        for i in range(groups):
            own10, own01 = group[truth] == i, group[~truth] == i
            ux, uy = (p[1][own10].sum() - own10.sum() * p[0] for p in (x, y))
            wx, wy = (p[2][own01].sum() - own01.sum() * p[0] for p in (x, y))
            s10 += ux * uy
            s01 += wx * wy
            s11 += ux * wy + wx * uy
        s10 *= has10 / ((has10 - 1) * m)
        s01 *= has01 / ((has01 - 1) * n)
        s11 *= groups / (groups - 1)
        return s10 / m + s01 / n + s11 / (m * n)

    return {
        "truth": truth.tolist(),
        "group": group.tolist(),
        "first": both[0].tolist(),
        "second": both[1].tolist(),
        "variance": [covariance(parts[0], parts[0]), covariance(parts[1], parts[1])],
        "covariance": covariance(parts[0], parts[1]),
    }


def newcombe(a, m, n):
    z = stats.norm.ppf(0.975)
    extra = (m + n) / 2 - 1

    def gap(t):
        v = t * (1 - t) * (1 + extra * (1 - t) / (2 - t) + extra * t / (1 + t)) / (m * n)
        return (t - a) ** 2 - z * z * v

    near = 1e-9
    low = 0.0 if a == 0 else optimize.brentq(gap, near, a - near, xtol=1e-14)
    high = 1.0 if a == 1 else optimize.brentq(gap, a + near, 1 - near, xtol=1e-14)
    return {"auroc": a, "positives": m, "negatives": n, "low": low, "high": high}


def wilson(k, n, level):
    ci = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    return {"successes": k, "n": n, "level": level, "low": ci.low, "high": ci.high}


def mcnemar(b, c):
    exact = stats.binomtest(b, b + c).pvalue
    point = stats.binom.pmf(min(b, c), b + c, 0.5)
    return {"b": b, "c": c, "exact": exact, "mid_p": 1 - point / 2 if b == c else exact - point}


def temperature(rng, classes, n, sharpness):
    truth = np.concatenate([np.arange(classes), rng.integers(classes, size=n - classes)])
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), truth] += 1.0
    logits = np.round(sharpness * logits, 4)

    def loss(log_t):
        z = logits / np.exp(log_t)
        return float((scipy.special.logsumexp(z, axis=1) - z[np.arange(n), truth]).mean())

    best = optimize.minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-12})
    return {
        "truth": truth.tolist(),
        "logits": logits.tolist(),
        "temperature": float(np.exp(best.x)),
        "log_loss_before": loss(0.0),
        "log_loss_after": float(best.fun),
    }


def random_iou(area, pixels, shown):
    both = np.arange(0, min(area, shown) + 1)
    p = stats.hypergeom.pmf(both, pixels, area, shown)
    return {"area": area, "pixels": pixels, "shown": shown, "iou": float((p * both / (area + shown - both)).sum())}


def rank_correlation(rng):
    a = np.round(rng.normal(size=120), 1)
    b = np.round(0.6 * a + rng.normal(size=120), 1)
    return {"first": a.tolist(), "second": b.tolist(), "rho": float(stats.spearmanr(a, b).statistic)}


def main():
    rng = np.random.default_rng(SEED)
    golden = {
        "made_by": "reference/stats/make_golden.py",
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
                     "scikit-learn": sklearn.__version__},
        "seed": SEED,
        "binary": [
            binary(rng, "balanced, no ties", 120, 0.5, 1.5, 12),
            binary(rng, "many ties", 200, 0.4, 1.0, 1),
            binary(rng, "rare positives", 300, 0.06, 2.0, 4),
            binary(rng, "worse than chance", 40, 0.5, -1.0, 6),
        ],
        "multiclass": [multiclass(rng, 3, 80), multiclass(rng, 4, 120)],
        "delong": [delong(rng, 60, 12), delong(rng, 90, 1)],
        "clustered_delong": [clustered(rng, 30, 12), clustered(rng, 50, 1)],
        "newcombe": [newcombe(a, m, n) for a, m, n in
                     [(1.0, 10, 10), (0.0, 7, 31), (0.85, 40, 25), (0.5, 3, 3), (0.999, 500, 700)]],
        "wilson": [wilson(k, n, level) for k, n, level in
                   [(0, 1, 0.95), (1, 1, 0.95), (41, 48, 0.95), (0, 50, 0.95), (3, 7, 0.9), (999, 1000, 0.99)]],
        "mcnemar": [mcnemar(b, c) for b, c in [(1, 7), (0, 5), (4, 4), (13, 29), (300, 250)]],
        "temperature_binary": [temperature(rng, 2, 80, 4.0), temperature(rng, 2, 50, 0.3)],
        "temperature_softmax": [temperature(rng, 4, 90, 3.0), temperature(rng, 3, 60, 0.5)],
        "random_iou": [random_iou(*c) for c in [(10, 100, 30), (5, 6, 4), (400, 16384, 900), (1, 50, 0)]],
        "rank_correlation": rank_correlation(rng),
    }
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
