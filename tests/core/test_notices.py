import json

import pytest

from spikecast.core.errors import UnknownNameError
from spikecast.core.notices import Notice, NoticeKind

FEW = NoticeKind("few", "minor", "only {n} trials in {areas}")


def test_a_notice_is_the_same_after_a_file():
    notice = FEW(n=3, areas=["VISp", "MOs"])
    again = Notice.from_json(json.loads(json.dumps(notice.to_json())))
    assert again == notice
    assert str(again) == "only 3 trials in VISp, MOs"


def test_an_unknown_severity_is_refused():
    with pytest.raises(UnknownNameError, match="severity"):
        Notice.from_json(FEW(n=3, areas=[]).to_json() | {"severity": "bad"})
