from pathlib import Path

import pytest

from bench import claim as claims
from bench import closure
from bench.errors import UserError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """bench.a imports bench.b (inside a function), which imports a package's member."""
    files = {
        "bench/__init__.py": "",
        "bench/a.py": "import json\ndef f():\n    from bench import b\n",
        "bench/b.py": "from bench.parts import wheel\n",
        "bench/parts/__init__.py": "from bench import base\n",
        "bench/parts/wheel.py": "",
        "bench/base.py": "import bench.a\n",
        "bench/apart.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_closure_follows_imports_wherever_they_stand(project: Path) -> None:
    expected = ["__init__", "a", "b", "base", "parts/__init__", "parts/wheel"]
    assert closure.closure(["bench.a"], project) == [f"bench/{name}.py" for name in expected]


def test_a_file_that_is_not_python_is_named_with_its_line(project: Path) -> None:
    (project / "bench/parts/wheel.py").write_text("spokes = 36\ndef broken(:\n")
    with pytest.raises(UserError, match=r"bench/parts/wheel\.py:2: "):
        closure.closure(["bench.a"], project)


def test_an_edit_shows_in_the_digests(project: Path) -> None:
    paths = closure.closure(["bench.a"], project)
    before = closure.digests(paths, project)
    (project / "bench/parts/wheel.py").write_text("spokes = 36\n")
    after = closure.digests(paths, project)
    assert {path for path in paths if before[path] != after[path]} == {"bench/parts/wheel.py"}


def test_a_module_outside_the_closure_is_found() -> None:
    import bench.closure
    import bench.randomness  # noqa: F401

    allowed = closure.closure(["bench.closure"])
    assert "bench/randomness.py" in closure.unexpected(allowed)


def test_one_architecture_is_an_input_of_its_claims_and_no_others() -> None:
    def job(claim: str, framework: str) -> list[str]:
        described = claims.get(claim)
        return closure.closure(closure.job_modules(described, framework, described.datasets))

    lenet = job("lenet_accuracy", "pytorch")
    pooling = job("max_pool_gradient", "pytorch")
    edited = "implementations/pytorch/architectures/lenet.py"
    assert edited in lenet
    assert edited not in pooling
    assert edited not in job("lenet_accuracy", "jax")
    assert "bench/claims/lenet_accuracy.py" not in pooling
    for path in ("bench/verdict.py", "bench/inference.py", "bench/report/__main__.py"):
        assert path not in lenet
