"""The peers: which are here, installing and building them, and the command lines that time them."""
import os
import shutil
import subprocess
import sys

import cases
from session import BENCH, Failed, run, run_one, say

PACKAGES = {"pytorch": ["python3-torch"], "darknet": ["darknet"], "onednn": ["libdnnl-dev"],
            "onnxruntime": []}
ONNXRUNTIME = "onnxruntime-node@1.30.0"
PEERS = os.path.join(BENCH, "peers")


def _quiet(line, **more):
    try:
        return subprocess.run(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              check=False, **more)
    except OSError as error:
        return subprocess.CompletedProcess(line, 127, "", str(error))


def _torch_python():
    """A Python that has PyTorch; the Debian package belongs to /usr/bin/python3."""
    for python in ("/usr/bin/python3", sys.executable):
        if _quiet([python, "-c", "import torch"]).returncode == 0:
            return python
    return None


class Peers:
    """build: weft's build folder; what is made here goes to build/bench/peers."""

    def __init__(self, build, wanted, install):
        self.place = os.path.join(os.path.abspath(build), "bench", "peers")
        self.onnx = os.path.join(self.place, "onnx")
        os.makedirs(self.place, exist_ok=True)
        if install:
            self._install(wanted)
        self.python = _torch_python() if wanted & {"pytorch", "onnxruntime"} else None
        self.here = {name for name in sorted(wanted) if getattr(self, "_has_" + name)()}
        for name in sorted(wanted - self.here):
            say(f"left out: {name} is not installed here")
        if self.python:
            done = _quiet([self.python, os.path.join(PEERS, "export_onnx.py"), self.onnx])
            if done.returncode:
                say("left out: " + (done.stderr.strip().splitlines() or ["ONNX files"])[-1])

    def _install(self, wanted):
        for name in sorted(wanted):
            packages = PACKAGES[name]
            tool = os.path.join(BENCH, os.pardir, "tools", "packages")
            if packages and _quiet(["sh", tool, *packages]).returncode:
                say(f"could not install {' '.join(packages)}")
        if "onnxruntime" in wanted and shutil.which("npm") and not self._has_onnxruntime():
            _quiet(["npm", "install", "--silent", "--ignore-scripts", "--prefix", self.place,
                    ONNXRUNTIME])

    def _compile(self, name, line):
        target = os.path.join(self.place, name)
        source = next(word for word in line if word.startswith(PEERS))
        if os.path.exists(target) and os.path.getmtime(target) > os.path.getmtime(source):
            return True
        return _quiet([*line, "-o", target]).returncode == 0

    def _has_pytorch(self):
        return self.python is not None

    def _has_darknet(self):
        folder = "/usr/lib/darknet"
        return self._compile("time_darknet", [
            "cc", "-O2", f"-I{folder}/include", os.path.join(PEERS, "time_darknet.c"),
            f"-L{folder}", "-ldarknet", f"-Wl,-rpath,{folder}"])

    def _has_onednn(self):
        """ONEDNN, a folder with include/ and lib/, stands for one that was built elsewhere."""
        folder, more = os.environ.get("ONEDNN"), []
        if folder:
            more = [f"-I{folder}/include", f"-L{folder}/lib", f"-Wl,-rpath,{folder}/lib"]
        return self._compile("time_onednn", [
            "c++", "-std=c++17", "-O2", os.path.join(PEERS, "time_onednn.cpp"), *more, "-ldnnl"])

    def _has_onnxruntime(self):
        probe = ["node", "-e", "require('onnxruntime-node')"]
        return _quiet(probe, cwd=self.place, env=self._node()).returncode == 0

    def _node(self):
        return dict(os.environ, NODE_PATH=os.path.join(self.place, "node_modules"))

    # ---- what times one thing ----

    def torch(self, case, phase, batch, threads, seconds, last):
        line = [self.python, os.path.join(PEERS, "time_torch.py"), case.name, "--phase", phase,
                "--batch", str(batch), "--threads", str(threads), "--seconds", str(seconds)]
        return run_one(line + ["--channels-last"] * last)

    def torch_modes(self, case, phase, batch, threads, seconds):
        modes = {"plain": lambda: self.torch(case, phase, batch, threads, seconds, False)}
        if not cases.is_text(case):
            modes["channels last"] = lambda: self.torch(case, phase, batch, threads, seconds, True)
        return modes

    def torch_mnist(self, data, threads):
        return [self.python, os.path.join(PEERS, "mnist_torch.py"), data, str(threads)]

    def torch_rnn(self, layer, threads, seconds):
        return run([self.python, os.path.join(PEERS, "time_torch_rnn.py"), str(threads),
                    str(seconds), *layer])

    def darknet(self, case, phase, batch, seconds):
        return run_one([os.path.join(self.place, "time_darknet"), phase,
                        os.path.join(PEERS, "darknet", case.darknet), str(batch), str(seconds)])

    def onnxruntime(self, case, batch, threads, seconds):
        model = os.path.join(self.onnx, f"{case.name}-{batch}.onnx")
        if not os.path.exists(model):
            raise Failed(f"{model} is not there (PyTorch writes it)")
        limit = cases.VOCABULARY if cases.is_text(case) else 0
        return run_one(["node", os.path.join(PEERS, "time_onnxruntime.js"), model, str(threads),
                        str(seconds), str(limit), str(batch), *map(str, case.size)],
                       env={"NODE_PATH": self._node()["NODE_PATH"]})

    def onednn(self, what, how, threads, seconds, numbers):
        line = [os.path.join(self.place, "time_onednn"), what, how, str(seconds), *numbers]
        return run(line, env={"OMP_NUM_THREADS": str(threads)})
