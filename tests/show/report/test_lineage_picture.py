"""Where the nodes of a lineage go."""

from beam_taxi.show.report.lineage_picture import HEIGHT, WIDTH, Picture, PictureNode, drawing


def picture(*edges: tuple[str, str]) -> Picture:
  keys = dict.fromkeys(key for edge in edges for key in edge)
  nodes = tuple(PictureNode(key, key.partition(':')[0], key, {}) for key in keys)
  return Picture(nodes, edges)


def places(drawn: dict) -> dict[str, tuple[float, float]]:
  return {box['node'].key: (box['x'], box['y']) for box in drawn['boxes']}


def test_what_is_made_of_something_is_below_it() -> None:
  found = places(drawing(picture(('a:1', 'e:1'), ('e:1', 'a:2'), ('a:2', 'e:2'), ('a:1', 'e:2')), 'n'))

  assert found['a:1'][1] < found['e:1'][1] < found['a:2'][1] < found['e:2'][1]


def test_nodes_do_not_overlap_and_are_inside() -> None:
  drawn = drawing(picture(*((f'a:{number}', f'e:{number % 3}') for number in range(12))), 'n')
  found = list(places(drawn).values())

  for place, (x, y) in enumerate(found):
    assert 0 <= x <= drawn['width'] - WIDTH
    assert 0 <= y <= drawn['height'] - HEIGHT
    assert all(abs(x - left) >= WIDTH or abs(y - top) >= HEIGHT for left, top in found[:place])


def test_a_circle_is_drawn_too() -> None:
  assert len(drawing(picture(('a:1', 'e:1'), ('e:1', 'a:1')), 'n')['boxes']) == 2


def test_nothing_is_an_empty_picture() -> None:
  assert drawing(Picture((), ()), 'n')['boxes'] == []
