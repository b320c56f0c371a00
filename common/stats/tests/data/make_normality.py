"""Makes normality.csv: Shapiro and Wilk's W and p, Anderson and Darling's A^2.

    python make_normality.py > normality.csv

Made with SciPy 1.17.1 (`scipy.stats.shapiro`, `scipy.stats.anderson`) and, for the column w, mpmath 1.4.1 with 30
digits by the formulas of Royston 1995: SciPy's W has quantiles of the Gaussian that are off by some 1e-9, which makes
its W differ from w by up to 1e-9 and its p by up to 5e-6 of itself. A sample is named by its law, the number of
values and a seed, so that the Rust test draws the same values: u = (k >> 11)/2^53, k the words of SplitMix64 from the
seed, and

    sum12     the sum of 12 u, nearly Gaussian
    uniform   u
    ratio     (u - 1/2)/(1.0625 - u), skew with a long tail
    cauchy    (u - 1/2)/(u'*u'), symmetric and heavy

(arithmetic that rounds alike everywhere). Every value then is 3 + x/4, for location and scale must not matter.
"""

import sys
import warnings

import mpmath as mp
from scipy import stats

mp.mp.dps = 30

MASK = (1 << 64) - 1


def words(seed):
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        word = seed
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
        yield word ^ (word >> 31)


def sample(law, n, seed):
    stream = words(seed)

    def u():
        return (next(stream) >> 11) / (1 << 53)

    def value():
        if law == "sum12":
            return sum(u() for _ in range(12))
        if law == "uniform":
            return u()
        if law == "ratio":
            first = u()
            return (first - 0.5) / (1.0625 - first)
        first, second = u(), u()
        return (first - 0.5) / (second * second)

    return [3.0 + 0.25 * value() for _ in range(n)]


def exact_w(values):
    n = len(values)
    x = [mp.mpf(value) for value in sorted(values)]
    quantile = lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1)
    m = [-quantile((i - mp.mpf("0.375")) / (n + mp.mpf("0.25"))) for i in range(1, n // 2 + 1)]
    corrections = [
        ["0", "0.221157", "-0.147981", "-2.071190", "4.434685", "-2.706056"],
        ["0", "0.042981", "-0.293762", "-1.752461", "5.682633", "-3.582633"],
    ][: 0 if n == 3 else 1 if n <= 5 else 2]
    length = mp.sqrt(2 * sum(value**2 for value in m))
    outer = [
        value / length + sum(mp.mpf(c) / mp.sqrt(n) ** power for power, c in enumerate(correction))
        for value, correction in zip(m, corrections)
    ]
    inner = m[len(outer) :]
    scale = mp.sqrt((1 - 2 * sum(a**2 for a in outer)) / (2 * sum(value**2 for value in inner)))
    a = outer + [value * scale for value in inner]
    mean = sum(x) / n
    return sum(a[i] * (x[n - 1 - i] - x[i]) for i in range(n // 2)) ** 2 / sum((value - mean) ** 2 for value in x)


def main():
    warnings.simplefilter("ignore")
    print("law,n,seed,w,w_scipy,p_scipy,a_squared_scipy")
    seed = 0
    for law in ["sum12", "uniform", "ratio", "cauchy"]:
        for n in [3, 4, 5, 6, 7, 8, 11, 12, 13, 20, 24, 100, 101, 512, 5000]:
            seed += 1
            values = sample(law, n, seed)
            w, p = stats.shapiro(values)
            a_squared = stats.anderson(values, "norm").statistic if n >= 8 else float("nan")
            print(f"{law},{n},{seed},{mp.nstr(exact_w(values), 17)},{w:.17g},{p:.17g},{a_squared:.17g}")


if __name__ == "__main__":
    sys.exit(main())
