"""Running programs in turns: commands, results as JSON lines, medians, ratios, the machine."""
import json
import math
import os
import shlex
import statistics
import subprocess
import sys

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Failed(Exception):
    """A program did not do what it should; the text says which and how."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(line, env=None, timeout=600):
    """The JSON objects that a program prints, one per line; other lines are passed over."""
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", **(env or {}))
    try:
        done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{shlex.join(line)}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing on stderr"])[-1]
        raise Failed(f"exit code {done.returncode} from {shlex.join(line)}: {last}")
    return [json.loads(text) for text in done.stdout.splitlines() if text.startswith("{")]


def run_one(line, env=None, timeout=600):
    results = run(line, env, timeout)
    if not results:
        raise Failed(f"no result from {shlex.join(line)}")
    return results[-1]


def middle(results, key="med_ms"):
    return statistics.median(r[key] for r in results)


def spread(results, key="med_ms"):
    """Half the distance between the fastest and the slowest round, as a part of the median."""
    values = [r[key] for r in results]
    return (max(values) - min(values)) / 2 / statistics.median(values)


def ratio(ours, theirs, key="med_ms"):
    """Their time over ours in the same round, so that a slow minute counts for both; the median
    over the rounds. Where one has fewer rounds, of what both have."""
    return statistics.median(b[key] / a[key] for a, b in zip(ours, theirs))


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(v) for v in values)) if values else float("nan")


class Contest:
    """One thing timed by several programs, round by round. A contestant with several modes
    (PyTorch's layouts, oneDNN's algorithms) runs all in the first round and from then on the one
    that won; `once` leaves it out after the first round."""

    def __init__(self, label):
        self.label = label
        self.runners = {}  # who: {mode: function without arguments}
        self.once = set()
        self.results = {}  # who: [result of each round]
        self.modes = {}    # who: the mode that won

    def add(self, who, modes, once=False):
        self.runners[who] = modes
        if once:
            self.once.add(who)

    def _one(self, who):
        modes = self.runners[who]
        if who in self.modes:
            modes = {self.modes[who]: modes[self.modes[who]]}
        best = None
        for mode, runner in modes.items():
            result = dict(runner(), who=who, mode=mode)
            if best is None or result["med_ms"] < best["med_ms"]:
                best = result
        self.modes[who] = best["mode"]
        self.results.setdefault(who, []).append(best)

    def round(self, turn):
        order = [w for w in self.runners if not (turn and w in self.once)]
        for who in order if turn % 2 == 0 else reversed(order):
            say(f"round {turn + 1}: {self.label}, {who}")
            try:
                self._one(who)
            except Failed as failed:
                say(f"  left out: {failed}")
                del self.runners[who]
                self.results.pop(who, None)


class Others:
    """How much of the processors programs other than ours took, meanwhile."""

    def __init__(self):
        self.start = self.now()

    @staticmethod
    def now():
        """Seconds of all processors: busy, in all, and those of our own children."""
        with open("/proc/stat", encoding="ascii") as f:
            ticks = [int(word) for word in f.readline().split()[1:9]]
        tick = os.sysconf("SC_CLK_TCK")
        own = os.times()
        idle = ticks[3] + ticks[4]
        return ((sum(ticks) - idle) / tick, sum(ticks) / tick,
                own.user + own.system + own.children_user + own.children_system)

    def percent(self):
        busy, total, own = (b - a for a, b in zip(self.start, self.now()))
        return max(0.0, 100 * (busy - own) / total) if total else 0.0
