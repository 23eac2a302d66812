#!/usr/bin/env python3
"""Writes tests/fixtures/statistics.json: scipy's values, against which src/statistics is tested.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scipy
    /tmp/venv/bin/python tests/tools/statistics.py > tests/fixtures/statistics.json
"""

import json
import math

import numpy as np
import scipy
from scipy import stats

# Differences of an arm less another over the seeds: clear ones, unclear ones, of two seeds, of many, very small and
# very large ones.
SAMPLES = [
    [-0.12, -0.05, -0.2, -0.09, -0.11],
    [0.05, -0.1, 0.02, 0.08, -0.04],
    [0.3, 0.2],
    [1.5, -0.25, 0.75],
    [0.01, 0.0, 0.0, -0.01, 0.02, 0.01, 0.0, 0.03, -0.02, 0.01],
    [3e-7, 5e-7, 1e-7, 4e-7],
    [1200.0, 900.0, -300.0, 2500.0, 1100.0, 700.0],
    [round(0.1 * math.sin(7.0 * i) + 0.04, 6) for i in range(20)],
]

# Images that only the one and only the other network gets wrong.
DISCORDANT = [(0, 0), (1, 0), (0, 5), (7, 7), (30, 12), (12, 30), (8, 9), (150, 101), (1200, 1100), (0, 60)]

# Epochs down to a threshold, a pair a seed.
EPOCHS = [
    [(9, 12), (10, 10), (14, 11), (8, 9), (17, 17)],
    [(10, 20), (12, 22), (9, 21)],
    [(3, 4), (5, 4)],
]

# Degrees of freedom and noncentrality, for the power of the t test.
POWERS = [(1, 0.5), (1, 6.0), (2, 3.0), (4, 0.0), (4, 2.0), (9, 3.1), (30, 2.9), (199, 2.8), (999, 2.803)]

# Mean over standard deviation of the differences, for the number of pairs.
EFFECTS = [0.07, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 6.0, 20.0, 100.0]

POWER = 0.8
LEVEL = 0.05


def t_interval(sample):
    interval = stats.ttest_1samp(sample, 0.0).confidence_interval(1.0 - LEVEL)
    return [float(interval.low), float(interval.high)]


def paired(sample):
    test = stats.ttest_1samp(sample, 0.0)
    signs = [d for d in sample if d != 0.0]
    return {
        "differences": sample,
        "mean": float(np.mean(sample)),
        "sd": float(np.std(sample, ddof=1)),
        "standard_error": float(stats.sem(sample)),
        "ci95": t_interval(sample),
        "t": float(test.statistic),
        "p": float(test.pvalue),
        "sign_p": float(stats.binomtest(sum(d < 0.0 for d in signs), len(signs)).pvalue),
    }


def ratio(epochs):
    logs = [math.log(a / b) for a, b in epochs]
    return {"epochs": epochs, "ratio": float(stats.gmean([a / b for a, b in epochs])), "ci95": [math.exp(end) for end in t_interval(logs)]}


def power(freedom, noncentrality):
    critical = stats.t.ppf(1.0 - LEVEL / 2.0, freedom)
    above = stats.nct.sf(critical, freedom, noncentrality)
    below = stats.nct.cdf(-critical, freedom, noncentrality)
    return float(above + (0.0 if math.isnan(below) else below))


def pairs_needed(effect):
    pairs = 2
    while power(pairs - 1, effect * math.sqrt(pairs)) < POWER:
        pairs += 1
    return pairs


fixture = {
    "scipy": scipy.__version__,
    "paired": [paired(sample) for sample in SAMPLES],
    "mcnemar": [
        {"only_a": a, "only_b": b, "p": float(stats.binomtest(a, a + b).pvalue) if a + b else 1.0} for a, b in DISCORDANT
    ],
    "ratios": [ratio(epochs) for epochs in EPOCHS],
    "powers": [{"freedom": f, "noncentrality": d, "power": power(f, d)} for f, d in POWERS],
    "pairs": [{"effect": effect, "pairs": pairs_needed(effect)} for effect in EFFECTS],
}
print(json.dumps(fixture, indent=1))
