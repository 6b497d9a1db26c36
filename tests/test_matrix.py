"""Which of many like cases are tried by default, and that nothing else is left out."""

from itertools import product
from pathlib import Path

import pytest

from tests import matrix
from tests.matrix import every, spread

pytest_plugins = ["pytester"]

CASES = """
import pytest

slow = pytest.mark.slow

@pytest.fixture(params=["local", pytest.param("d1", marks=pytest.mark.wrangler)])
def engine(request): pass

@pytest.fixture(params=[pytest.param("d1", marks=pytest.mark.wrangler)])
def live_alone(request): pass

@pytest.mark.parametrize("case", range(8))
def test_engine(engine, case): pass

@pytest.mark.parametrize("case", range(8))
def test_live_alone(live_alone, case): pass

@pytest.mark.matrix
@pytest.mark.parametrize("one", "abc")
@pytest.mark.parametrize("other", "xyzw")
def test_spread(one, other): pass

@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("case", [pytest.param(n, marks=[slow] if n != 2 else []) for n in range(9)])
def test_each(case): pass

@pytest.mark.parametrize("case", range(8))
def test_all(case): pass
"""


def test_each_value_of_each_kind_occurs(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = list(product("abc", "xyzw", (1, 2)))
    monkeypatch.setattr(matrix, "EXHAUSTIVE", False)
    chosen = every(cases)
    assert len(chosen) == 4 and [set(values) for values in zip(*chosen, strict=True)] == [
        set("abc"),
        set("xyzw"),
        {1, 2},
    ]
    assert spread([]) == [] and every([]) == [] and every(range(9), each=4) == [0, 4, 8]
    monkeypatch.setattr(matrix, "EXHAUSTIVE", True)
    assert every(cases) == cases and every(range(9), each=4) == list(range(9))


def test_what_is_left_out_is_one_of_many_alike(pytester: pytest.Pytester) -> None:
    items, _ = pytester.inline_genitems(pytester.makepyfile(CASES))
    left_out = matrix.not_needed(items)
    left = [item.name for item in items if item not in left_out]
    assert [name for name in left if name.startswith("test_engine[d1")] == [
        "test_engine[d1-0]",
        "test_engine[d1-4]",
    ]
    spreads = [name for name in left if name.startswith("test_spread")]
    assert len(spreads) == 4 and all(any(value in name[11:] for name in spreads) for value in "abcxyzw")
    assert [name for name in left if name.startswith("test_each")] == [
        f"test_each[{n}]" for n in (0, 2, 4, 8)
    ]
    for whole in ("test_engine[local", "test_live_alone", "test_all"):
        assert len([name for name in left if name.startswith(whole)]) == 8


def test_ci_tries_them_all() -> None:
    script = (Path(__file__).parents[1] / ".ci/run").read_text("utf-8")
    asked = script.index("export TENANT_ADMIN_EXHAUSTIVE=1")
    assert asked < script.index("$(readme_command test README.md)")
    forgotten = script.index('unset "${!TENANT_ADMIN_@}"')
    assert script.index("export TENANT_ADMIN_EXHAUSTIVE=1", forgotten) < script.index("pytest -n", forgotten)
