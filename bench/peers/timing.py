"""How the Python peers measure: the same way as weft's own programs."""
import json
import resource
import statistics
import time


def measure(step, seconds, least=3):
    """Milliseconds of each step in `seconds`, after a quarter of that to warm up; `least` steps if
    they take no more than four times as long."""
    start, i = time.perf_counter(), 0
    while i < 1 or time.perf_counter() - start < seconds / 4:
        step(i)
        i += 1
    times = []
    start = before = time.perf_counter()
    while len(times) < 4000 and (
            not times or before - start < (4 * seconds if len(times) < least else seconds)):
        step(len(times))
        now = time.perf_counter()
        times.append((now - before) * 1e3)
        before = now
    return times


def tell(times, **more):
    tenth = statistics.quantiles(times * 2, n=10, method="inclusive")  # one alone has none
    row = {"steps": len(times), "med_ms": round(statistics.median(times), 5),
           "min_ms": round(min(times), 5), "p10_ms": round(tenth[0], 5),
           "p90_ms": round(tenth[8], 5),
           "resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    print(json.dumps(dict(more, **row)), flush=True)
