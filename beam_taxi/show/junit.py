"""Findings as JUnit XML, which servers for continuous integration show."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from beam_taxi.validation.findings import Finding, grouped, splits_of


def junit_xml(name: str, findings: Sequence[Finding]) -> bytes:
  """A suite of tests with this name: a case for each thing that is wrong, which fails if it is an error."""
  groups, name = grouped(findings), _printable(name)
  errors = sum(group[0].severity == 'error' for group in groups)
  suite = ElementTree.Element('testsuite', name=name, tests=str(len(groups) or 1), failures=str(errors))
  if not groups:
    ElementTree.SubElement(suite, 'testcase', classname=name, name='the data is right')
  for group in groups:
    worst = group[0]
    what = ' '.join(filter(None, (worst.kind, worst.feature, f'[{splits_of(group)}]' if splits_of(group) else '')))
    case = ElementTree.SubElement(suite, 'testcase', classname=name, name=_printable(what))
    line = _printable(f'{worst.line}: {worst.remedy}')
    if worst.severity == 'error':
      ElementTree.SubElement(case, 'failure', message=line, type=worst.kind).text = line
    else:
      ElementTree.SubElement(case, 'system-out').text = f'warning: {line}'
  return bytes(ElementTree.tostring(suite, encoding='utf-8', xml_declaration=True))


def _printable(text: str) -> str:
  """A text with what XML cannot have (XML 1.0, 2.2) as escapes."""
  return ''.join(each if each.isprintable() or each == ' ' else each.encode('unicode_escape').decode() for each in text)
