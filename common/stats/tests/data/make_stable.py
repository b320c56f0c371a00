"""Makes stable.csv: references for `tailsweep_stats::stable`, and compares other packages with them.

    pip install mpmath gmpy2 scipy levy-stable
    python make_stable.py > stable.csv 2> stable.log    # half an hour; names of alphas may follow
    python make_stable.py --scipy stable.csv            # where SciPy is off
    python make_stable.py --levy stable.csv             # where levy-stable is

A row is alpha, beta, x, density, P(X <= x), P(X > x) of the standard law in Nolan's S1 (x is a double,
written so that it reads back exactly).

Method. Not the integral that the Rust code uses, but the inversion of the characteristic function,

    f(x)     = Re 1/pi int exp(-itx) phi(t) dt,
    P(X > x) = 1/2 + omega/pi + Im 1/pi int exp(-itx) phi(t) dt/t,

along the ray t = exp(y + i omega) inside the sector where the integrand falls. In y it is analytic and
falls exponentially on both sides, so the trapezoidal rule converges exponentially: the sum at the step
h and the one at 2h differ by less than 1e-11 (relative), hence the one at h is right to about 1e-22.
Numbers have 60 digits. Negative x by reflection. Every 17th point is computed a second time, by
Zolotarev's integral with mpmath's tanh-sinh quadrature; the log names the worst difference.
"""

import math
import sys
import warnings

import mpmath as mp
from mpmath import mpf, mpc

mp.mp.dps = 60
ALPHAS = ["0.2", "0.3", "0.5", "0.8", "0.99", "1", "1.01", "1.2", "1.5", "1.8", "1.95", "2"]
BETAS = ["-1", "-0.5", "0", "0.5", "1"]
# Offsets in Nolan's S0, where the bulk stays near 0 for all alpha, and offsets from zeta.
IN_S0 = ["-1e10", "-1e5", "-300", "-30", "-6", "-2.5", "-1", "-0.3", "0", "0.7", "1.5", "4", "15", "100", "1e4", "1e8"]
FROM_ZETA = ["-0.02", "-1e-7", "1e-4", "0.05"]


class Ray:
    """The characteristic function at the nodes of one ray, kept for all x > 0."""

    def __init__(self, alpha, beta, steep):
        self.alpha, self.beta = alpha, beta
        if alpha == 1:
            # beta > 0: any ray below the axis. Otherwise it must be above, or be cut off (`steep`).
            self.theta0 = None
            if steep or beta > 0:
                self.omega, self.width = -mp.pi / 2, mpf(1)
            elif beta < 0:
                self.omega, self.width = mpf("0.06"), mpf("0.055")
            else:
                self.omega, self.width = -mp.pi / 4, mpf("0.7")
        else:
            self.tan = 1 / mp.tan(mp.pi * (1 - alpha) / 2) if alpha != 2 else mpf(0)
            self.theta0 = mp.atan(beta * self.tan) / alpha
            low = max(-mp.pi, self.theta0 - mp.pi / (2 * alpha))
            self.omega, self.width = low / 2, -low / 2 * mpf("0.9")
            # So near index 1 both factors falling leaves a narrow sector. At infinity it is enough that
            # exp(-itx) falls (alpha < 1) or phi does (alpha > 1); the digits lost are few where x is
            # in the bulk or beyond.
            if low > -0.2 and alpha < 1 and steep:
                self.omega, self.width = mpf("-0.3"), mpf("0.28")
            if low > -0.2 and alpha > 1:
                self.omega, self.width = mpf("0.06"), mpf("0.055")
                if steep:
                    # Cut off, as for alpha = 1.
                    self.omega, self.width = -mp.pi / 2, mpf(1)
        self.nodes = {}

    def node(self, key):
        """t, phi(t) at y = key."""
        if key not in self.nodes:
            y = mpf(key[0]) / key[1]
            t = mp.exp(mpc(y, self.omega))
            if self.alpha == 1:
                exponent = -t * (1 + mpc(0, 2 * self.beta / mp.pi) * mpc(y, self.omega))
            else:
                power = mp.exp(self.alpha * mpc(y, self.omega))
                exponent = -power * (1 - mpc(0, self.beta * self.tan))
            self.nodes[key] = (t, exponent)
        return self.nodes[key]

    def sums(self, x, steps):
        """Trapezoidal sums with `steps` nodes a unit of y, and with half as many."""
        # What is cut off is of first order in r; it must be small against x^-alpha.
        far = (1 + max(self.alpha, 1)) * max(0, mp.log(x))
        left = int(-((65 / self.alpha if self.alpha <= 1 else 95) + far + 2) * steps)
        left -= left % 2
        sums = [[mpf(0), mpf(0)], [mpf(0), mpf(0)]]
        k, falling = left, 0
        while falling < 30:
            t, exponent = self.node((k, steps))
            total = exponent - mpc(0, 1) * t * x
            if total.real > -130:
                value = mp.exp(total)
                sums[k & 1][0] += (value * t).real
                sums[k & 1][1] += value.imag
                falling = 0
            else:
                falling += 1
                if self.alpha == 1 and self.omega == -mp.pi / 2 and self.beta < 0:
                    break
            k += 1
        fine = [(a + b) / steps / mp.pi for a, b in zip(*sums)]
        coarse = [a * 2 / steps / mp.pi for a in sums[0]]
        shift = mpf(1) / 2 + self.omega / mp.pi
        return (fine[0], fine[1] + shift), (coarse[0], coarse[1] + shift)

    def values(self, x):
        """Density and P(X > x)."""
        steps = max(4, int(3 / self.width))
        steps = 1 << (steps - 1).bit_length()
        while True:
            fine, coarse = self.sums(x, steps)
            if all(abs(f - c) < mpf("1e-11") * min(abs(f), abs(1 - f) if i else 1) for i, (f, c) in enumerate(zip(fine, coarse))):
                return fine
            if steps > 1 << 11 or (abs(fine[0]) < mpf("1e-30") and abs(coarse[0]) < mpf("1e-25")):
                return None
            steps *= 2


RAYS = {}


def reference(alpha, beta, x):
    """Density, P(X <= x), P(X > x) for x != 0 in S1."""
    if x < 0:
        found = reference(alpha, -beta, -x)
        return found and (found[0], found[2], found[1])
    bulk = abs(mp.tan(mp.pi * alpha / 2)) if abs(alpha - 1) < 0.1 and alpha != 1 else mpf(0)
    if bulk and (alpha > 1 and beta == -1 and x > bulk + 5 or alpha < 1 and beta == 1 and x < bulk - 3.5):
        # These light tails are below 1e-30 here; finding that out would take long.
        return None
    steep = alpha == 1 and x > 12
    if alpha > 1.1 and beta == -1 and x > 12:
        return None
    if bulk and alpha > 1:
        steep = x > 12 + abs(beta) * bulk
    if bulk and alpha < 1:
        steep = x > mpf("0.7") * abs(beta) * bulk
    key = (alpha, beta, steep)
    if key not in RAYS:
        RAYS[key] = Ray(alpha, beta, steep)
    found = RAYS[key].values(x)
    if found is None or found[0] < mpf("1e-30"):
        return None
    return found[0], 1 - found[1], found[1]


def zolotarev(alpha, beta, x):
    """Density, P(X <= x), P(X > x), by the other road: x > 0, alpha != 1."""
    if x < 0:
        d, f, s = zolotarev(alpha, -beta, -x)
        return d, s, f
    tan = 1 / mp.tan(mp.pi * (1 - alpha) / 2) if alpha != 2 else mpf(0)
    theta0 = mp.atan(beta * tan) / alpha
    length = mp.pi / 2 + theta0

    def log_g(phi):
        psi = max(length - phi, mpf("1e-35"))
        phi = max(phi, mpf("1e-35"))
        return (
            alpha / (alpha - 1) * mp.log(x)
            + mp.log(mp.cos(alpha * theta0)) / (alpha - 1)
            + alpha / (alpha - 1) * mp.log(abs(mp.sin(psi) / mp.sin(alpha * phi)))
            + mp.log(abs(mp.sin(alpha * phi + psi) / mp.sin(psi)))
        )

    rising = 1 if alpha < 1 else -1
    cuts = [mpf(0)]
    for target in [-60, -20, -8, -4, -2, -1, 0, 1, 2, 3, 4, 5]:
        low, high = mpf(0), length
        for _ in range(150):
            middle = (low + high) / 2
            if (log_g(middle) - target) * rising < 0:
                low = middle
            else:
                high = middle
        cuts.append(low)
    cuts = sorted({c for c in cuts + [length] if c >= 0})

    def g(phi):
        if phi <= 0 or phi >= length:
            return mpf(0)
        return mp.exp(min(log_g(phi), mpf(8)))

    density = alpha / (mp.pi * abs(alpha - 1) * x) * mp.quad(lambda p: g(p) * mp.exp(-g(p)), cuts)
    inner = mp.quad(lambda p: mp.exp(-g(p)), cuts) / mp.pi
    if alpha < 1:
        below = 1 - length / mp.pi + inner
        return density, below, 1 - below
    return density, 1 - inner, inner


def main():
    print("alpha,beta,x,density,below,above")
    worst_cross, count, kept = mpf(0), 0, 0
    for a in sys.argv[1:] or ALPHAS:
        for b in BETAS:
            alpha, beta = mpf(float(a)), mpf(float(b))
            if alpha == 2 and beta != 0:
                continue
            zeta = mpf(0)
            if alpha not in (1, 2):
                zeta = -beta / mp.tan(mp.pi * (1 - alpha) / 2)
            xs = {float(mpf(o) - zeta) for o in IN_S0} | {float(o) for o in FROM_ZETA}
            for x in sorted(xs):
                if abs(x) < 1e-12:
                    continue
                count += 1
                found = reference(alpha, beta, mpf(x))
                if found is None:
                    print(f"left out: alpha {a} beta {b} x {x}", file=sys.stderr, flush=True)
                    continue
                kept += 1
                print(",".join([a, b, repr(x)] + [mp.nstr(v, 20) for v in found]), flush=True)
                if kept % 17 == 0 and alpha != 1:
                    mp.mp.dps = 30
                    other = zolotarev(alpha, beta, mpf(x))
                    mp.mp.dps = 60
                    off = max(abs(o - f) / max(abs(f), mpf("1e-12")) for o, f in zip(other, found))
                    worst_cross = max(worst_cross, off)
                    if off > mpf("1e-15"):
                        print(f"cross-check off: alpha {a} beta {b} x {x}: {mp.nstr(off, 3)}", file=sys.stderr)
        print(f"alpha {a} done", file=sys.stderr, flush=True)
        RAYS.clear()
    print(f"{kept} of {count} points; worst difference of the two roads {mp.nstr(worst_cross, 3)}", file=sys.stderr)

def scipy_stable():
    """SciPy: name, and density, P(X <= x), P(X > x) of x, alpha, beta."""
    import scipy
    from scipy.stats import levy_stable

    levy_stable.parameterization = "S1"
    return f"SciPy {scipy.__version__}", (levy_stable.pdf, levy_stable.cdf, levy_stable.sf)


def interpolated_stable():
    """levy-stable (pylevy), which has tables from alpha = 0.5 on and no survival function."""
    from importlib.metadata import version

    import levy

    def of(function):
        return lambda x, a, b: function(x, alpha=a, beta=b, par="1") if a >= 0.5 else math.nan

    below = of(levy.cdf)
    return f"levy-stable {version('levy-stable')}", (of(levy.pdf), below, lambda *at: 1 - below(*at))


def compare(package, path):
    """Another package beside the references."""
    name, functions = package()
    warnings.simplefilter("ignore")
    rows = [line.strip().split(",") for line in open(path)][1:]
    errors, off = [], []
    for a, b, *values in rows:
        x, *ours = map(float, values)
        theirs = [float(f(x, float(a), float(b))) for f in functions]
        if any(map(math.isnan, theirs)):
            errors.append(math.inf)
            continue
        worst = max(abs(t - o) / max(o, 1e-12) for t, o in zip(theirs, ours))
        errors.append(worst)
        if not worst < 1e-6:
            off.append((a, b, x, theirs, ours))
    for most in (1e-8, 1e-6, 1e-4, 1e-2):
        good = sum(error < most for error in errors)
        print(f"{name} is within {most:g} of max(value, 1e-12) at {good} of {len(rows)} points")
    print(f"no number at {errors.count(math.inf)}; off by more than 1e-6:")
    for a, b, x, theirs, ours in off:
        line = "; ".join(f"{n} {t:.6g} for {o:.6g}" for n, t, o in zip(["density", "below", "above"], theirs, ours))
        print(f"  alpha {a} beta {b} x {x:.6g}: {line}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--scipy"]:
        compare(scipy_stable, sys.argv[2])
    elif sys.argv[1:2] == ["--levy"]:
        compare(interpolated_stable, sys.argv[2])
    else:
        main()
