"""What all interactive pictures share; each lesson's own picture is tested in tests/lessons."""

from helpers.widgets import progress


def test_progress_passes_everything_on_and_stays_silent_when_quick(capfd):
    assert list(progress(range(5))) == [0, 1, 2, 3, 4]
    assert capfd.readouterr() == ("", "")
