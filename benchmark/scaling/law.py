"""The universal scalability law, fitted to rates by numbers of threads, and what counted costs say.

N. J. Gunther, "Guerrilla Capacity Planning" (2007): with n threads the rate is

    X(n) = rate n / (1 + contention (n - 1) + coherence n (n - 1))

The rest is bounds (Lazowska et al., "Quantitative System Performance", 1984, chapter 5): no lock
lets more through than one holding after the other, and n cores do no more than n times one.
"""

from typing import NamedTuple


class Law(NamedTuple):
    rate: float        # of one thread
    contention: float  # the part of the work that is done by one thread at a time
    coherence: float   # what each pair of threads costs

    def at(self, threads):
        return self.rate * threads / (1 + self.contention * (threads - 1) +
                                      self.coherence * threads * (threads - 1))


def solve(matrix, right):
    """Gaussian elimination with pivoting; None for a singular matrix."""
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for at in range(len(rows)):
        pivot = max(range(at, len(rows)), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        if abs(rows[at][at]) < 1e-30:
            return None
        for row in range(len(rows)):
            if row != at:
                factor = rows[row][at] / rows[at][at]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[at])]
    return [row[-1] / row[at] for at, row in enumerate(rows)]


def fit(points):
    """The law of [(threads, rate)] with the least squares of relative errors of n / X(n), which is
    linear in its parameters; neither contention nor coherence is below 0. REQUIRES: two points."""
    best, best_error = None, None
    for used in ((0, 1, 2), (0, 1), (0, 2), (0,)):
        # n / X = a + b (n - 1) + c n (n - 1), each equation divided by n / X.
        equations = [[(1, n - 1, n * (n - 1))[each] * rate / n for each in used]
                     for n, rate in points]
        matrix = [[sum(row[i] * row[j] for row in equations) for j in range(len(used))]
                  for i in range(len(used))]
        found = solve(matrix, [sum(row[i] for row in equations) for i in range(len(used))])
        if found is None or found[0] <= 0 or any(value < 0 for value in found[1:]):
            continue
        part = dict(zip(used, found))
        law = Law(1 / part[0], part.get(1, 0) / part[0], part.get(2, 0) / part[0])
        error = sum((1 - rate / law.at(n)) ** 2 for n, rate in points)
        if best is None or error < best_error:
            best, best_error = law, error
    return best


def bound(cores, core_ns, shared_writes, transfer_ns, serial_ns):
    """Records a second that `cores` can do at most: each spends core_ns on a record, and
    transfer_ns for each of its writes to lines that another core wrote last; one lock's holdings,
    serial_ns a record, follow each other."""
    apart = core_ns + (shared_writes * transfer_ns if cores > 1 else 0)
    return 1e9 / max(apart / cores, serial_ns)
