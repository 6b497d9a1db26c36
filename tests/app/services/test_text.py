"""Words that people read."""

import pytest

from app.services import text


def test_quotation_marks_within_others_are_single_ones() -> None:
    assert text.quoted("“Shift planning” deleted") == "“‘Shift planning’ deleted”"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (1024, "1 KiB"),
        (4300, "4.2 KiB"),
        (342 * 2**20, "342 MiB"),
        (5 * 2**40, "5 TiB"),
    ],
)
def test_byte_size(count: int, words: str) -> None:
    assert text.byte_size(count) == words


def test_one_mailbox_has_one_key_however_its_host_is_written() -> None:
    for one, other in (
        ("Ö@bücher.example", "ö@xn--bcher-kva.EXAMPLE"),
        ("x@bu\u0308cher.例。example", "X@XN--BCHER-KVA.xn--fsq.example"),
        ("x@❤.example", "x@xn--qei.example"),
    ):
        assert text.address(one) == text.address(other)
        assert text.address(text.host_in_unicode(other)) == text.address(other)
    assert text.address("Ada@X.example") == "ada@x.example"
    assert text.address("x@straße.example") != text.address("x@strasse.example")
    for odd in ("ö", "ö@", "@ö", "ö@a..b", "x@\ud800.example", "x@ö\ufffd.example", "x@xn--\u00f6.example"):
        assert text.address(odd) == text.address(text.address(odd)), "and nothing is raised"
        text.host_in_unicode(odd)


def test_a_tenant_longer_than_any_may_be_is_named_by_start_and_end() -> None:
    assert text.tenant_name("t" * 200) == "t" * 200
    named = text.tenant_name(f"start {'ä ' * 500_000}end")
    assert named.startswith("start ä ä") and named.endswith("ä end") and len(named) == 200


def test_of_many_names_some_are_said_and_how_many_there_are_besides() -> None:
    names = ["a", "b", "c"]
    assert text.some_of(names, 3) == "a, b, c"
    assert text.some_of(names, 2) == "a, b and 1 more"
    assert (
        text.some_of(names, 2, 1_204, noun="more table", shown=text.quoted)
        == "“a”, “b” and 1,202 more tables"
    )


def test_a_tenant_that_looks_like_another_says_that_it_is_none() -> None:
    names = ("cafe", "caf\u00e9", "cafe\u0301")
    assert len({text.composed(text.apart(name)) for name in names}) == len(names)
    assert [text.tenant_name(name) for name in names] == [*names[:2], f"{names[2]} (accents apart)"]
