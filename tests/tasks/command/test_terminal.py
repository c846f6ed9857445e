import numpy as np

from tasks.command import terminal


def test_a_picture_has_two_pixels_a_character() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:20] = (255, 0, 0)
    text = terminal.picture(image, width=10)
    lines = text.plain.splitlines()
    assert lines == ["▀" * 10] * 5
    styles = [str(span.style) for span in text.spans]
    assert styles[0] == "#ff0000 on #ff0000"
    assert styles[-1] == "#000000 on #000000"


def test_a_curve_runs_from_lowest_to_highest() -> None:
    assert terminal.curve([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert terminal.curve([5.0, 5.0]) == "▁▁"
    assert len(terminal.curve(range(1000), width=30)) == 30
