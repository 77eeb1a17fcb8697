"""What the pages of a built site say, without how they look: rows of index and artifacts, and each run's page."""

import html.parser
import json
import pathlib
import sys
from typing import Any

_CELLS = ('th', 'td')
_WITH_TEXT = ('h1', 'h2', 'dt', 'dd', 'p', 'li', 'summary', *_CELLS)


class _Main(html.parser.HTMLParser):
  """Texts within <main>: headings, facts, rows of tables, paragraphs, list items, and where links lead."""

  def __init__(self) -> None:
    super().__init__()
    self.found: dict[str, Any] = {name: [] for name in ('headings', 'facts', 'rows', 'paragraphs', 'items', 'links')}
    self._inside = False
    self._open: list[tuple[str, list[str]]] = []

  def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
    self._inside = self._inside or tag == 'main'
    if not self._inside:
      return
    if tag == 'tr':
      self.found['rows'].append([])
    if tag == 'a':
      self.found['links'].append(dict(attributes).get('href'))
    if tag in _WITH_TEXT:
      self._open.append((tag, []))

  def handle_data(self, data: str) -> None:
    if self._inside and self._open:
      self._open[-1][1].append(data)

  def handle_endtag(self, tag: str) -> None:
    self._inside = self._inside and tag != 'main'
    if not (self._open and self._open[-1][0] == tag):
      return
    text = ' '.join(''.join(self._open.pop()[1]).split())
    if tag in _CELLS:
      self.found['rows'][-1].append(text)
    elif tag in ('dt', 'dd'):
      self.found['facts'].append(text)
    elif text:
      self.found[{'p': 'paragraphs', 'li': 'items'}.get(tag, 'headings')].append(text)


def page_text(path: pathlib.Path) -> dict[str, Any]:
  """What a page says; 'facts' are pairs, links each once and sorted."""
  parser = _Main()
  parser.feed(path.read_text(encoding='utf-8'))
  parser.close()
  found = parser.found
  facts = list(zip(found['facts'][::2], found['facts'][1::2], strict=True))
  return {**found, 'facts': [list(fact) for fact in facts], 'links': sorted(set(filter(None, found['links'])))}


def site_text(folder: pathlib.Path) -> dict[str, Any]:
  """What a site says: the rows its tables search, the numbers behind its lines, and its pages by their names."""
  rows = {}
  for path in sorted(folder.glob('data/*-[0-9]*.js')):
    text = path.read_text(encoding='utf-8').strip()
    rows[path.name] = json.loads(text.removeprefix('self.siteRows.push(...').removesuffix(');'))
  trends = {}
  for path in sorted(folder.glob('data/trends-*.js')):
    text = path.read_text(encoding='utf-8').strip()
    trends[path.name] = json.loads(text.removeprefix('self.siteTrends = ').removesuffix(';'))
  pages = [folder / 'index.html', folder / 'artifacts.html']
  pages += [path for kind in ('pipelines', 'runs', 'artifacts') for path in sorted((folder / kind).glob('*.html'))]
  named = {path.relative_to(folder).as_posix(): page_text(path) for path in pages}
  return {'rows': rows, 'trends': trends, 'pages': named}


if __name__ == '__main__':
  print(json.dumps(site_text(pathlib.Path(sys.argv[1])), indent=1, ensure_ascii=False))
