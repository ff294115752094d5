"""The command lines that time weft."""
import os

from session import BENCH, Failed, run, run_one


class Weft:
    """build: a build folder with weft in it, and for kernels bench/every_kernel and bench/recurrent.
    env: more of the environment, such as WEFT_ISA."""

    def __init__(self, build, onnx="", env=None):
        self.build, self.onnx, self.env = os.path.abspath(build), onnx, env or {}
        self.peaks = {}
        if not os.access(self.command, os.X_OK):
            raise Failed(f"{self.command} is not built: cmake --build {build}")

    @property
    def command(self):
        return os.path.join(self.build, "weft")

    def machine(self, threads):
        """A brief run, for version, processor, instruction set and peak."""
        return run_one([self.command, "bench", "lenet5", "--infer", "--seconds", "0.01", "--json",
                        "--threads", str(threads)], self.env)

    def peak(self, threads):
        if threads not in self.peaks:
            self.peaks[threads] = max(self.machine(threads)["peak_gflops"] for _ in range(3))
        return self.peaks[threads]

    def network(self, case, phase, batch, threads, seconds):
        return run_one([self.command, "bench", *case.weft.replace("ONNX", self.onnx).split(),
                        "--" + phase, "--batch", str(batch), "--threads", str(threads),
                        "--seconds", str(seconds), "--peak", str(self.peak(threads)), "--json"],
                       self.env)

    def _kernels(self, program, only, threads, seconds):
        path = os.path.join(self.build, "bench", program)
        if not os.access(path, os.X_OK):
            raise Failed(f"{path} is not built: cmake --build {self.build} --target bench")
        return run([path, "--json", "--threads", str(threads), "--seconds", str(seconds),
                    "--peak", str(self.peak(threads)), "--only", only,
                    "--shapes", os.path.join(BENCH, "shapes")], self.env)

    def kernel(self, name, threads, seconds):
        """All directions of one shape."""
        return [r for r in self._kernels("every_kernel", name, threads, seconds)
                if r.get("kernel") == name]

    def recurrent(self, name, threads, seconds):
        return [r for r in self._kernels("recurrent", name, threads, seconds)
                if r.get("layer") == name]

    def mnist(self, data, threads, folder):
        """The first epoch with lenet5 and the test set."""
        return [self.command, "train", data, "--model", "lenet5", "--epochs", "1", "--batch", "64",
                "--optimizer", "sgd", "--lr", "0.05", "--schedule", "constant", "--augment", "none",
                "--no-val", "--threads", str(threads), "--project", folder, "--name", "mnist",
                "--force", "--no-report", "--quiet", "--json"]


def shapes(name):
    """The rows of bench/shapes/NAME as lists of words."""
    with open(os.path.join(BENCH, "shapes", name), encoding="utf-8") as f:
        return [line.split() for line in f if line.strip() and not line.startswith("#")]

