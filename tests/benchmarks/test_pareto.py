"""The front of designs that none beats, and its picture."""

from PIL import Image

from benchmarks.common.pareto import draw_pareto, pareto_front

POINTS = {
    'dear and good': (4.0, 0.5),
    'cheap': (1.0, 0.3),
    'beaten': (3.0, 0.4),
    'middle': (2.0, 0.45),
    'as dear, worse': (2.0, 0.44),
    'as good, dearer': (3.5, 0.45),
}


def test_front_worked_by_hand():
    assert pareto_front(POINTS) == ['cheap', 'middle', 'dear and good']
    assert pareto_front(dict(one=(1, 0))) == ['one']


def test_picture_names_every_point_and_marks_landmarks(tmp_path):
    figure = draw_pareto(POINTS, ['cheap', 'no such design'], 'seconds', 'AP')
    (axes,) = figure.axes
    assert {text.get_text() for text in axes.texts} == set(POINTS)
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == 'bold']
    assert bold == ['cheap']
    assert (axes.get_xlabel(), axes.get_ylabel()) == ('seconds', 'AP')
    figure.savefig(tmp_path / 'pareto.png')
    assert Image.open(tmp_path / 'pareto.png').size == (1200, 720)
