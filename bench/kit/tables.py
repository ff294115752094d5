"""Rows of a session as tables in Markdown."""
from session import geometric_mean, middle, ratio, spread

NAMES = {"pytorch": "PyTorch", "darknet": "Darknet", "onednn": "oneDNN",
         "onnxruntime": "ONNX Runtime", "weft": "weft"}


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows])


def _time(results):
    return f"{middle(results):.4g} ± {100 * spread(results):.0f} %" if results else ""


def _peers(rows):
    seen = {who for row in rows for who in row["results"]}
    return [who for who in ("pytorch", "onnxruntime", "darknet", "onednn") if who in seen]


def _megabytes(results):
    return middle(results, "resident_bytes") / 1e6


def _ratios(rows, who):
    return [ratio(r["results"]["weft"], r["results"][who]) for r in rows if who in r["results"]]


def _mean_row(rows, peers, before, after=0):
    """The geometric means of the ratios, under the right columns."""
    cells = ["*geometric mean*"] + [""] * before
    for who in peers:
        found = _ratios(rows, who)
        cells += ["", f"*{geometric_mean(found):.2f}*" if found else ""]
    return cells + [""] * after


def networks(rows, memory):
    """Steps of whole networks; memory: with the resident bytes, weft's and PyTorch's."""
    text = []
    for threads in sorted({r["threads"] for r in rows}):
        some = [r for r in rows if r["threads"] == threads]
        peers = _peers(some)
        head = ["network", "batch", "weft ms", "GF/s", "% of peak"]
        for who in peers:
            head += [f"{NAMES[who]} ms", "times faster"]
        memory_here = memory and "pytorch" in peers
        if memory:
            head += ["weft MB"] + ["PyTorch MB", "part"] * memory_here
        body = []
        for r in some:
            weft = r["results"]["weft"]
            speed = weft[0]["gflop"] / middle(weft) * 1e3
            cells = [r["name"], str(r["batch"]), _time(weft), f"{speed:.0f}",
                     f"{100 * speed / weft[0]['peak_gflops']:.0f}"]
            for who in peers:
                theirs = r["results"].get(who)
                mode = " (cl)" if r["modes"].get(who) == "channels last" else ""
                cells += [_time(theirs) + mode if theirs else "",
                          f"{ratio(weft, theirs):.2f}" if theirs else ""]
            if memory:
                cells.append(f"{_megabytes(weft):.0f}")
            if memory_here:
                theirs = r["results"].get("pytorch")
                cells += [f"{_megabytes(theirs):.0f}",
                          f"{_megabytes(weft) / _megabytes(theirs):.2f}"] if theirs else ["", ""]
            body.append(cells)
        body.append(_mean_row(some, peers, 4, memory + 2 * memory_here))
        text.append(f"{threads} thread{'s' * (threads > 1)}:\n\n{_table(head, body)}\n")
    return "\n".join(text)


def _directions(rows, directions, titles, peak):
    """Rows with results[direction][who]: GF/s, part of the peak, ratios; and those ratios by
    direction and peer."""
    ratios, body = {}, []
    for r in rows:
        cells = [r["name"]]
        for direction in directions:
            found = r["results"].get(direction)
            if not found:
                cells.append("")
                continue
            speed = found["weft"][0]["gflops"] * found["weft"][0]["med_ms"] / middle(found["weft"])
            cell = f"{speed:.0f} ({100 * speed / peak:.0f} %)"
            for who in ("pytorch", "onednn"):
                if who in found:
                    value = ratio(found["weft"], found[who])
                    ratios.setdefault((direction, who), []).append((r, value))
                    cell += f", {NAMES[who]} x{value:.2f}"
            cells.append(cell)
        body.append(cells)
    return _table(["shape"] + titles, body), ratios


def _summary(ratios, chosen=lambda row: True):
    lines = []
    for (direction, who), found in sorted(ratios.items()):
        values = [value for row, value in found if chosen(row)]
        if values:
            lines.append(f"{direction} {geometric_mean(values):.2f} (least {min(values):.2f}, "
                         f"{NAMES[who]}, {len(values)} shapes)")
    return "; ".join(lines)


def kernels(rows, peaks):
    text = []
    for threads in sorted({r["threads"] for r in rows}):
        some = [dict(r, results=dict(r["results"])) for r in rows if r["threads"] == threads]
        for r in some:
            if "product" in r["results"]:
                r["results"]["forward"] = r["results"].pop("product")
        table, ratios = _directions(some, ["forward", "data", "weight"],
                                    ["forward or product", "data gradient", "weight gradient"],
                                    peaks[threads])
        text.append(f"{threads} thread{'s' * (threads > 1)}, GF/s (part of the peak), times faster "
                    f"than the peer:\n\n{table}\n")
        if ratios:
            every = [value for found in ratios.values() for _, value in found]
            text.append(f"Geometric means: all {geometric_mean(every):.2f}; {_summary(ratios)}.\n")
            three = _summary(ratios, lambda row: row.get("winograd"))
            text.append(f"3x3, stride 1, 32 channels and more: {three}.\n" if three else "")
    return "\n".join(text)


def rnn(rows, peaks):
    text = []
    for threads in sorted({r["threads"] for r in rows}):
        some = [r for r in rows if r["threads"] == threads]
        table, ratios = _directions(some, ["infer", "forward", "train"],
                                    ["prediction", "forward in training", "forward and backward"],
                                    peaks[threads])
        text.append(f"{threads} thread{'s' * (threads > 1)}, GF/s (part of the peak), times faster "
                    f"than the peer:\n\n{table}\n")
        if ratios:
            text.append(f"Geometric means: {_summary(ratios)}.\n")
    return "\n".join(text)


def cold(rows):
    body, sizes = [], ""
    for r in rows:
        weft = r["results"]["weft"]
        for who, found in r["results"].items():
            cells = [NAMES[who], f"{middle(found) / 1e3:.2f} ± {100 * spread(found):.0f} %",
                     f"{_megabytes(found):.0f}"]
            body.append(cells + ([f"{ratio(weft, found):.1f}"] if who != "weft" else [""]))
        sizes = (f"The stripped command has {r['command_bytes'] / 1e6:.1f} MB; the libraries that it "
                 f"loads besides libc {r['library_bytes'] / 1e6:.1f} MB.\n")
    return (_table(["whole process", "seconds", "resident MB", "weft is times faster"], body) +
            "\n\n" + sizes)
