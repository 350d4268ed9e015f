import json

import pytest
from pydantic import TypeAdapter, ValidationError

from spikecast.core.errors import UnknownNameError
from spikecast.core.notices import Notice, NoticeKind, StoredNotice

FEW = NoticeKind("few", "minor", "only {n} trials in {areas}")


def test_a_notice_is_the_same_after_a_file():
    notice = FEW(n=3, areas=["VISp", "MOs"])
    again = Notice.from_json(json.loads(json.dumps(notice.to_json())))
    assert again == notice
    assert str(again) == "only 3 trials in VISp, MOs"


def test_an_unknown_severity_is_refused():
    with pytest.raises(UnknownNameError, match="severity"):
        Notice.from_json(FEW(n=3, areas=[]).to_json() | {"severity": "bad"})


@pytest.mark.parametrize("place", ["n:>9000000000", "n:.999999999f", "n!r", "n.__class__", "n[0]"])
def test_a_sentence_from_a_file_formats_numbers_only(place):
    stored = TypeAdapter(StoredNotice)
    content = FEW(n=3, areas=[]).to_json()
    assert str(stored.validate_python(content | {"text": "{n:.0%} of {n:+.3g}"})) == "300% of +3"
    with pytest.raises(ValidationError, match="does not go with its values"):
        stored.validate_python(content | {"text": f"{{{place}}}"})


def test_a_kind_whose_sentence_could_not_be_read_again_is_no_kind():
    NoticeKind("fine", "minor", "{share:+z.0f} of {n:,} trials")
    with pytest.raises(ValueError, match="no place for a value"):
        NoticeKind("wide", "minor", "{n:>8} trials")
