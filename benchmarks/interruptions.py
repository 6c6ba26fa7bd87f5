"""A sweep that is killed again and again against one that is left in peace, and against one on a cluster.

    python benchmarks/interruptions.py FOLDER [--kills 20] [--accuracy normal] [--cores 10 --shells 10]

core x shell x offset of the nominal heterodimer, by default 10 x 10 x 3 points. Three runs of the same file,
each with caches of its own: undisturbed; with workers and the parent killed (SIGKILL, SIGINT) at random
moments and started again; on a local cluster of dask with two workers. The Datasets must be the same bit for
bit, and no finished point may have been computed again.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil

import spq
from spq.sweepfile import sweep_of

KINDS = ("worker", "worker", "parent", "interrupt")  # what is killed, equally often
INPUT = """
[[dots]]
core_radius = 1.3
shell_thickness = 2.1
[[dots]]
core_radius = 1.35
shell_thickness = 2.1
[model]
accuracy = "{accuracy}"
[sweep.axes]
"dots[1].core_radius" = {{ start = 1.25, stop = 1.45, points = {cores} }}
"dots.shell_thickness" = {{ start = 1.8, stop = 2.4, points = {shells} }}
"materials.conduction_band_offset" = [0.10, 0.20, 0.32]
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--between", type=float, default=30.0, help="longest time between kills, s")
    parser.add_argument("--accuracy", default="normal")
    parser.add_argument("--cores", type=int, default=10)
    parser.add_argument("--shells", type=int, default=10)
    parser.add_argument("--seed", type=int, default=6021)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    file = args.folder / "sweep.toml"
    file.write_text(INPUT.format(accuracy=args.accuracy, cores=args.cores, shells=args.shells))
    start = time.perf_counter()
    ended(subprocess.run(**command(file, args.folder / "peace")).returncode)
    print(f"undisturbed: {time.perf_counter() - start:.0f} s")
    start = time.perf_counter()
    again = disturbed(file, args.folder / "killed", args, random.Random(args.seed))
    print(f"with {args.kills} kills: {time.perf_counter() - start:.0f} s, computed again: {again}")
    seconds = on_cluster(file, args.folder / "cluster")
    print(f"on a local cluster, two workers: {seconds:.0f} s")
    peace = spq.load_sweep(args.folder / "peace" / "sweep.nc")
    for name in ("killed", "cluster"):
        other = spq.load_sweep(args.folder / name / "sweep.nc")
        print(f"{name}: {'the same bit for bit' if same(peace, other) else 'DIFFERS'}")
    failed = int((peace["error"] != "").sum())
    print(
        f"{peace['error'].size} points, {failed} failed, {int((~peace['converged']).sum())} states not found"
    )


def ended(status: int) -> None:
    """Stop unless a sweep came to its end; 1 means that some state did not converge, as the Dataset says."""
    if status not in (0, 1):
        raise SystemExit(f"a run ended with {status}")


def command(file: Path, out: Path) -> dict:
    """Arguments of subprocess for `spq sweep`, in a session and with caches of its own."""
    words = [sys.executable, "-m", "spq", "sweep", str(file), "--out", str(out), "--resume", "-q"]
    environment = os.environ | {"SPQ_CACHE": f"{out}.cache"}
    return {"args": words, "env": environment, "stdout": subprocess.DEVNULL, "start_new_session": True}


def disturbed(file: Path, out: Path, args: argparse.Namespace, chance: random.Random) -> int:
    """Run a sweep through random kills to its end; return how many finished points were computed again."""
    finished: dict[Path, int] = {}
    again = done = 0
    process = subprocess.Popen(**command(file, out))
    while done < args.kills:
        time.sleep(chance.uniform(2.0, args.between))
        kind = chance.choice(KINDS)
        done += killed(process, kind)
        again += computed_again(out, finished)
        print(f"  kill {done}, {kind}: {len(finished)} points finished", flush=True)
        if process.poll() in (0, 1):
            print(f"  at its end after {done} kills, too few: let --between be shorter")
            break
        if process.poll() is not None:
            process = subprocess.Popen(**command(file, out))
    ended(process.wait())
    return again + computed_again(out, finished)


def killed(process: subprocess.Popen, kind: str) -> bool:
    """Kill a worker or the parent, or interrupt it; return whether there was something to kill."""
    if process.poll() is not None:
        return False
    if kind == "interrupt":
        process.send_signal(signal.SIGINT)
        process.wait()
        return True
    if kind == "parent":
        process.kill()
        process.wait()
        return True
    children = psutil.Process(process.pid).children()
    workers = [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
    for worker in workers[:1]:
        worker.kill()
    return bool(workers)


def computed_again(out: Path, finished: dict[Path, int]) -> int:
    """How many finished points were written since; finished: what was there before, brought up to date."""
    found = {path: path.stat().st_mtime_ns for path in out.glob("points/*/*.json")}
    again = sum(found.get(path) != written for path, written in finished.items())
    finished.update(found)
    return again


def on_cluster(file: Path, out: Path) -> float:
    """The sweep on a local cluster; return its seconds, the workers running already."""
    from distributed import Client, LocalCluster

    os.environ["SPQ_CACHE"] = f"{out}.cache"
    plan = sweep_of(file)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        start = time.perf_counter()
        axes = {axis.names[0]: [step[0] for step in axis.steps] for axis in plan.axes}
        found = spq.sweep(plan.model, axes, executor=client.get_executor(), store=out)
        seconds = time.perf_counter() - start
    spq.save_sweep(found, out)
    return seconds


def same(one, other) -> bool:
    """Whether two Datasets hold the same bits."""
    names = set(one.variables) == set(other.variables)
    return names and all(
        one[name].dtype == other[name].dtype
        and (
            bytes_of(one[name].values) == bytes_of(other[name].values)
            if one[name].dtype.kind != "O"
            else bool(np.all(one[name].values == other[name].values))
        )
        for name in one.variables
    )


def bytes_of(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()


if __name__ == "__main__":
    main()
