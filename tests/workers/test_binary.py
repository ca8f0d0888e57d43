"""Finding the server's program: the order of ways, reasons for passing over, the cache under kills and races.

Programs and compilers here are small scripts; the downloader is real and meets a proxy that refuses.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import Unavailable
from workers import binary, devserver

ROOT = Path(__file__).parent.parent.parent
GOOD = 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"'
# A compiler that notes that it was called and writes what -o names; {step} runs in between.
GO = """
echo called >> "$GO_CALLS"
echo "net/http" >&2
while [ "$1" != "-o" ]; do shift; done
{step}
printf '#!/bin/sh\\n{made}\\n' > "$2"
chmod +x "$2"
"""


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def compiler(folder: Path, step: str = "", made: str = GOOD) -> Path:
    return script(folder / "bin" / "go", GO.format(step=step, made=made))


def calls(folder: Path) -> int:
    log = folder / "calls"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing installed but a shell, no server named, no way out."""
    for tool in ("chmod", "sleep", "touch", "wc"):
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / tool).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GO_CALLS", str(tmp_path / "calls"))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "duely" / "temporal" / binary.VERSION / "temporal"


def only_the_binary(cached: Path) -> bool:
    return sorted(file.name for file in cached.parent.iterdir()) == ["lock", "temporal"]


@pytest.mark.parametrize("line", ["1.9.0", "1.10.2", "2.0.0"])
def test_a_program_on_path_is_used_when_new_enough(tmp_path: Path, line: str) -> None:
    program = script(tmp_path / "bin" / "temporal", f'echo "temporal version {line} (Server 1.32.0)"')
    assert binary.find() == program


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('echo "temporal version 1.5.1 (Server 1.29.0)"', "temporal version 1.5.1 (Server 1.29.0)"),
        ('echo "temporal version 0.0.0-DEV (Server 1.32.0)"', "temporal version 0.0.0-DEV"),
        ("exit 3", "it does not run"),
    ],
)
def test_an_unfit_program_on_path_is_passed_over_with_the_reason(
    tmp_path: Path, cached: Path, body: str, reason: str
) -> None:
    unfit = script(tmp_path / "bin" / "temporal", body)
    script(cached, GOOD)
    said: list[str] = []
    assert binary.find(said.append) == cached
    assert len(said) == 1
    assert str(unfit) in said[0]
    assert reason in said[0]
    assert "1.9 or newer is needed" in said[0]


def test_the_cache_comes_before_any_work(tmp_path: Path, cached: Path) -> None:
    compiler(tmp_path)
    script(cached, GOOD)
    assert binary.find() == cached
    assert calls(tmp_path) == 0


def test_a_build_lands_in_the_cache_and_is_done_once(tmp_path: Path, cached: Path) -> None:
    compiler(tmp_path)
    said: list[str] = []
    assert binary.find(said.append) == cached
    assert binary.find(said.append) == cached
    assert calls(tmp_path) == 1
    assert only_the_binary(cached)
    assert cached.stat().st_mode & stat.S_IXUSR
    assert [line.split(" ")[0] for line in said] == ["downloading", "download", "building"]


def test_a_refused_first_build_is_repeated(tmp_path: Path, cached: Path) -> None:
    compiler(tmp_path, step='[ "$(wc -l < "$GO_CALLS")" -gt 1 ] || exit 1')
    assert binary.find() == cached
    assert calls(tmp_path) == 2


def test_nothing_works_ends_in_one_line_that_says_what_to_install(tmp_path: Path, cached: Path) -> None:
    with pytest.raises(Unavailable) as without_go:
        binary.find()
    compiler(tmp_path, step='echo "cannot find module" >&2; exit 1')
    with pytest.raises(Unavailable) as broken_go:
        binary.find()
    assert calls(tmp_path) == binary.BUILD_ATTEMPTS
    for text in (str(without_go.value), str(broken_go.value)):
        assert "\n" not in text
        for word in ("Temporal CLI 1.9 or newer", "Go 1.26", "TEMPORAL_ADDRESS", "download failed"):
            assert word in text
    assert "no Go compiler" in str(without_go.value)
    assert "cannot find module" in str(broken_go.value)
    assert not cached.exists()


def test_a_build_that_does_not_run_is_not_kept(tmp_path: Path, cached: Path) -> None:
    compiler(tmp_path, made="exit 1")
    with pytest.raises(Unavailable, match="does not run"):
        binary.find()
    assert [file.name for file in cached.parent.iterdir()] == ["lock"]


def test_a_broken_cached_program_is_removed_and_built_again(tmp_path: Path, cached: Path) -> None:
    compiler(tmp_path)
    script(cached, "exit 1")
    said: list[str] = []
    assert binary.find(said.append) == cached
    assert calls(tmp_path) == 1
    assert f"{cached} does not run and is made again" in said
    assert binary.version_line(cached)


def test_a_killed_build_leaves_nothing_that_matters(tmp_path: Path, cached: Path) -> None:
    compiler(tmp_path, step='echo half > "$2"; touch "$GO_CALLS.started"; exec sleep 600')
    process = subprocess.Popen(
        [sys.executable, "-m", "workers.devserver"],
        cwd=ROOT,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    wait_for((tmp_path / "calls.started").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not cached.exists()
    assert len(list(cached.parent.iterdir())) > 1, "the killed build left its scratch folder"
    compiler(tmp_path)
    assert binary.find() == cached
    assert only_the_binary(cached)


def test_processes_that_look_at_once_build_once(tmp_path: Path, cached: Path) -> None:
    # The compiler holds the lock until both others wait for it, so that they truly meet.
    compiler(tmp_path, step='while [ ! -e "$GO_CALLS.go" ]; do sleep 0.01; done')

    def look(number: int) -> tuple[str, str]:
        with (tmp_path / f"said{number}").open("w") as said:
            done = subprocess.run(
                [sys.executable, "-m", "workers.devserver"],
                cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=said, text=True,
            )  # fmt: skip
        return done.stdout.strip(), (tmp_path / f"said{number}").read_text()

    def waiting() -> bool:
        return sum("waiting for it" in file.read_text() for file in tmp_path.glob("said*")) == 2

    with ThreadPoolExecutor(3) as pool:
        looks = [pool.submit(look, number) for number in range(3)]
        try:
            wait_for(waiting, seconds=15)
        finally:
            (tmp_path / "calls.go").touch()
        assert {look.result()[0] for look in looks} == {str(cached)}
    assert calls(tmp_path) == 1


def test_the_program_prints_only_the_path(tmp_path: Path, cached: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script(cached, GOOD)
    assert devserver.main() == 0
    assert capfd.readouterr() == (f"{cached}\n", "")


def test_the_program_says_in_one_line_why_not(capfd: pytest.CaptureFixture[str]) -> None:
    assert devserver.main() == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("no Temporal server to embed: install")


def test_a_named_server_makes_the_search_needless(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    assert devserver.main() == 0
    assert capfd.readouterr().out == "temporal.example:7233\n"


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert binary.cache_folder() == Path.home() / ".cache" / "duely" / "temporal" / binary.VERSION


def wait_for(happened: object, seconds: float = 30) -> None:
    assert callable(happened)
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
