'use strict';
(() => {
  const report = JSON.parse(document.getElementById('report-data').textContent);
  const datasets = report.datasets;
  const features = report.features;
  const state = { sort: report.sort, down: report.sort !== 'order', histogram: 'standard', scale: 'linear', unit: 'share' };
  features.forEach((feature, order) => {
    feature.order = order;
  });

  // Elements. Texts go in as text alone: names and values are anybody's.
  const el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };
  const svg = (tag, attributes = {}, ...children) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) {
      made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };
  // A name that may go on in the next line behind what parts its words.
  const breakable = (name) => {
    const made = el('bdi');
    name.split(/(?<=[_./-])(?=[^_./-])/u).forEach((part, place) => made.append(...(place ? [el('wbr')] : []), part));
    return made;
  };
  const byId = (id) => document.getElementById(id);
  const series = (place) => `s${(place % 6) + 1}`;

  // Numbers.
  const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 5 });
  const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 4 });
  const few = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
  // In a column; the mouse over it shows all digits.
  const short = (value) => {
    const size = typeof value === 'number' ? Math.abs(value) : 0;
    if (size >= 1e7 && size < 1e15) {
      return compact.format(value);
    }
    return size >= 1e-4 && size < 1e4 && !Number.isInteger(value) ? few.format(value) : number(value);
  };
  const number = (value) => {
    if (value === null || value === undefined) {
      return '';
    }
    if (typeof value !== 'number') {
      return value;
    }
    const size = Math.abs(value);
    if (Number.isInteger(value) && size < 1e12) {
      return whole.format(value);
    }
    return size !== 0 && (size < 1e-4 || size >= 1e7) ? value.toExponential(3) : decimal.format(value);
  };
  const share = (value) => {
    if (typeof value !== 'number') {
      return '';
    }
    if (value > 0 && value < 0.001) {
      return '<0.1%';
    }
    if (value < 1 && value > 0.999) {
      return '>99.9%';
    }
    return `${(value * 100).toFixed(value === 0 || value === 1 ? 0 : 1)}%`;
  };
  const distance = (value) => (value === null ? '' : value === 0 ? '0' : value < 0.0005 ? '<0.001' : value.toFixed(3));

  // Columns: a figure of each dataset, by its unit, or, with `one`, what a feature has once.
  const BY_UNIT = { share: [share, share], count: [short, number], quantity: [short, number], text: [(text) => text ?? '', (text) => text ?? ''] };
  // Strings that are too many to count each: the number of distinct ones is an estimate.
  const about = (key, data) => (key === 'unique' && data.count_error !== undefined ? '≈ ' : '');
  const column = (key) => {
    const { name, title, unit } = report.figures[key];
    return { key, name, title, show: BY_UNIT[unit][0], mark: report.marked.includes(key), text: unit === 'text' };
  };
  const both = [
    { key: 'linf', name: 'L∞', title: 'L-infinity distance, from 0 to 1: the largest difference of a string’s shares, as TFDV has it; of numbers, of the shares up to a value (Kolmogorov-Smirnov)', one: true, show: distance },
    { key: 'jsd', name: 'JSD', title: 'Jensen-Shannon divergence, from 0 to 1; of numbers between both kinds of histograms, so that an outlier does not decide', one: true, show: distance },
  ];
  const tables = ['number', 'string', 'other'].map((kind) => ({
    kind,
    columns: [...report.columns[kind].map(column), ...(report.pairs.length && kind !== 'other' ? both : [])],
  }));

  // Sorting: features without the number come last, whichever way.
  const valueFor = (feature, key) => {
    if (key in feature.largest) {
      return feature.largest[key];
    }
    if (key === 'order' || key === 'name' || key === 'linf' || key === 'jsd') {
      return feature[key];
    }
    return feature.data.map((data) => data && data[key]).find((value) => value !== undefined && value !== null);
  };
  const collator = new Intl.Collator(undefined, { numeric: true });
  const compare = (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') {
      return a - b;
    }
    return collator.compare(String(a), String(b));
  };
  const sorted = (list) => {
    const keyed = list.map((feature) => [feature, valueFor(feature, state.sort)]);
    const none = (value) => value === undefined || value === null || value === '';
    keyed.sort(([f, a], [g, b]) => {
      if (none(a) || none(b)) {
        return none(a) - none(b) || f.order - g.order;
      }
      return (state.down ? compare(b, a) : compare(a, b)) || f.order - g.order;
    });
    return keyed.map(([feature]) => feature);
  };

  const drawn = (feature) => feature.data.map((data, place) => ({ data, place })).filter(({ data }) => data?.values);
  const bucketsOf = (histogram) =>
    histogram.counts.map((count, i) => {
      const [low, high] = histogram.pairs ? histogram.pairs[i] : [histogram.edges[i], histogram.edges[i + 1]];
      return { low, high, count };
    });
  const isNumber = (value) => typeof value === 'number';
  // On buckets that all datasets have: those of the statistics, or common ones that were made of them.
  const histograms = (feature) => {
    const { common } = feature;
    if (common) {
      const parts = drawn(feature)
        .filter(({ place }) => common.shares[place])
        .map(({ data, place }) => ({ place, total: data.values, counts: common.shares[place].map((part) => part * data.values) }));
      return { edges: common.edges, parts };
    }
    const parts = drawn(feature).filter(({ data }) => data.standard);
    if (!parts.length) {
      return { edges: [], parts };
    }
    const { standard } = parts[0].data;
    let edges = standard.edges || [...standard.pairs.map(([low]) => low), standard.pairs[standard.pairs.length - 1][1]];
    if (edges.length === 2 && edges[0] === edges[1]) {
      edges = [edges[0] - 0.5, edges[0] + 0.5];
    }
    return { edges, parts: parts.map(({ data, place }) => ({ place, total: data.values, counts: data.standard.counts })) };
  };
  // Cumulative: a quantile histogram's buckets are as full as each other, so what differs is where they end.
  const quantilesOf = (feature) =>
    drawn(feature)
      .filter(({ data }) => data.quantiles)
      .map(({ data, place }) => {
        const buckets = bucketsOf(data.quantiles);
        const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
        let below = 0;
        const points = [{ value: buckets[0].low, below: 0 }];
        for (const bucket of buckets) {
          below += bucket.count;
          points.push({ value: bucket.high, below });
        }
        return { place, total, points };
      });
  const perUnit = (count, total) => (state.unit === 'share' ? (total ? count / total : 0) : count);

  // Sparklines: small SVG, drawn when they come into view.
  const W = 150;
  const H = 36;
  const logged = (value, smallest) => Math.log1p(value / smallest);
  const heights = (rows) => {
    const values = rows.flatMap((row) => row.values);
    const positive = values.filter((value) => value > 0);
    if (state.scale === 'log' && positive.length) {
      const smallest = Math.min(...positive);
      const top = logged(Math.max(...positive), smallest);
      return (value) => (logged(value, smallest) / top) * (H - 2);
    }
    const top = Math.max(...values, 0) || 1;
    return (value) => (value / top) * (H - 2);
  };
  const sparkOfNumbers = (feature, picture) => {
    if (state.histogram === 'quantiles') {
      const lines = quantilesOf(feature);
      const values = lines.flatMap((line) => line.points.map((point) => point.value)).filter(isNumber);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const span = high - low || 1;
      const position = state.scale === 'log' ? symlog(low, high) : (value) => (value - low) / span;
      for (const line of lines) {
        const d = line.points.map((point, i) => `${i ? 'L' : 'M'}${(position(point.value) * W).toFixed(1)} ${(H - 1 - (point.below / line.total) * (H - 2)).toFixed(1)}`);
        picture.append(svg('path', { d: d.join(''), class: `line ${series(line.place)}` }));
      }
      return;
    }
    const { edges, parts } = histograms(feature);
    const rows = parts.map((part) => ({ place: part.place, values: part.counts.map((count) => perUnit(count, part.total)) }));
    const height = heights(rows);
    const span = edges[edges.length - 1] - edges[0] || 1;
    const x = (edge) => (((edge - edges[0]) / span) * W).toFixed(1);
    for (const row of rows) {
      let d = `M0 ${H}`;
      row.values.forEach((value, i) => {
        const y = (H - height(value)).toFixed(1);
        d += `L${x(edges[i])} ${y}L${x(edges[i + 1])} ${y}`;
      });
      picture.append(svg('path', { d: `${d}L${W} ${H}Z`, class: `area ${series(row.place)}` }));
    }
  };
  const symlog = (low, high) => {
    const constant = Math.max(Math.abs(low), Math.abs(high)) / 1000 || 1;
    const f = (value) => Math.sign(value) * Math.log1p(Math.abs(value) / constant);
    const span = f(high) - f(low) || 1;
    return (value) => (f(value) - f(low)) / span;
  };
  const labelsOf = (feature, most) => {
    const total = new Map();
    for (const { data } of drawn(feature)) {
      for (const [label, count] of data.top || []) {
        total.set(label, (total.get(label) || 0) + count / data.values);
      }
    }
    return [...total.keys()].sort((a, b) => total.get(b) - total.get(a)).slice(0, most);
  };
  const sparkOfStrings = (feature, picture) => {
    const labels = labelsOf(feature, 10);
    const parts = drawn(feature);
    const rows = parts.map(({ data, place }) => {
      const counts = new Map(data.top || []);
      return { place, values: labels.map((label) => perUnit(counts.get(label) || 0, data.values)) };
    });
    const height = heights(rows);
    const slot = W / Math.max(labels.length, 4);
    const width = Math.min((slot - 3) / Math.max(rows.length, 1), 14);
    rows.forEach((row, k) => {
      row.values.forEach((value, i) => {
        const h = height(value);
        const attributes = { x: (i * slot + k * width).toFixed(1), y: (H - h).toFixed(1), width: width.toFixed(1), height: h.toFixed(1) };
        picture.append(svg('rect', { ...attributes, class: `bar-of ${series(row.place)}` }));
      });
    });
  };
  const drawSpark = (feature, holder) => {
    const picture = svg('svg', { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': 'Distribution' });
    try {
      if (feature.kind === 'number') {
        sparkOfNumbers(feature, picture);
      } else if (feature.kind === 'string') {
        sparkOfStrings(feature, picture);
      }
    } finally {
      holder.replaceChildren(picture);
    }
  };
  const look = ['histogram', 'scale', 'unit'];
  const lookNow = () => look.map((name) => state[name]).join();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) {
          watcher.unobserve(entry.target);
          drawIfOld(entry.target);
        }
      }
    },
    { rootMargin: '300px' },
  );
  const featureOf = new WeakMap();
  const drawIfOld = (holder) => {
    if (holder.dataset.look !== lookNow()) {
      drawSpark(featureOf.get(holder), holder);
      holder.dataset.look = lookNow();
    }
  };

  // Rows.
  const made = new Map();
  const rowOf = (feature) => {
    if (!made.has(feature)) {
      made.set(feature, makeRow(feature));
    }
    return made.get(feature);
  };
  const makeRow = (feature) => {
    const id = `feature-${feature.order}`;
    const name = el('button', { type: 'button', class: 'open', 'aria-expanded': 'false', 'aria-controls': id }, breakable(feature.name || '(no name)'));
    const holder = el('div', { class: 'spark', role: 'cell' });
    featureOf.set(holder, feature);
    const head = el('div', { class: 'name', role: 'rowheader' }, name, el('span', { class: 'kind' }, feature.type));
    const cells = tables.find((table) => table.kind === feature.kind).columns.map((column) => {
      const cell = el('div', { class: column.text ? 'cell text' : 'cell num', role: 'cell', 'data-label': column.name });
      if (column.one) {
        const value = feature[column.key];
        const far = value !== null && value >= report.far ? ' far' : '';
        cell.append(el('span', { class: `one${far}` }, column.show(value)));
        return cell;
      }
      feature.data.forEach((data, place) => {
        const value = data ? data[column.key] : undefined;
        const text = data ? about(column.key, data) + column.show(value) : '–';
        const title = typeof value === 'number' && column.show === short ? number(value) : String(value ?? '');
        const line = el('span', { class: `of ${series(place)}`, title }, column.text ? el('bdi', {}, text) : text);
        if (column.mark && value > 0.1) {
          line.classList.add(value > 0.5 ? 'much' : 'some');
        }
        cell.append(line);
      });
      return cell;
    });
    const row = el('div', { class: 'row', role: 'row' }, head, holder, ...cells);
    const detail = el('div', { class: 'detail', id, hidden: '' });
    const whole = el('div', { class: 'feature', role: 'rowgroup' }, row, detail);
    name.addEventListener('click', () => toggle(feature, name, detail));
    row.addEventListener('click', (event) => {
      if (!event.target.closest('button') && !String(getSelection())) {
        toggle(feature, name, detail);
      }
    });
    return { whole, holder, name, detail };
  };
  const toggle = (feature, name, detail) => {
    const open = detail.hidden;
    detail.hidden = !open;
    name.setAttribute('aria-expanded', String(open));
    if (open) {
      fill(feature, detail);
    } else {
      detail.replaceChildren();
    }
  };

  // The lists: what is in view at once, the rest when the browser has time.
  const idle = window.requestIdleCallback || ((call) => setTimeout(call, 16));
  let round = 0;
  const arrange = () => {
    round += 1;
    const mine = round;
    const wanted = byId('filter').value.trim().toLowerCase();
    const kinds = new Set([...document.querySelectorAll('input[name="kind"]:checked')].map((box) => box.value));
    const shown = sorted(features.filter((feature) => (!wanted || feature.name.toLowerCase().includes(wanted)) && feature.type.split(' | ').some((type) => kinds.has(type))));
    const ahead = [];
    for (const table of tables) {
      const list = shown.filter((feature) => feature.kind === table.kind);
      const section = byId(`features-${table.kind}`);
      if (!section) {
        continue;
      }
      section.hidden = !list.length;
      section.querySelector('.count').textContent = whole.format(list.length);
      const body = section.querySelector('.body');
      body.replaceChildren(...list.slice(0, 30).map((feature) => watched(feature)));
      ahead.push([body, list.slice(30)]);
      section.querySelectorAll('[data-key]').forEach((head) => {
        const on = head.dataset.key === state.sort;
        head.parentElement.setAttribute('aria-sort', on ? (state.down ? 'descending' : 'ascending') : 'none');
      });
    }
    byId('shown').textContent = shown.length === features.length ? `${whole.format(features.length)} features` : `${whole.format(shown.length)} of ${whole.format(features.length)} features`;
    byId('none').hidden = shown.length > 0;
    const more = () => {
      if (mine !== round) {
        return;
      }
      const [body, rest] = ahead.find(([, left]) => left.length) || [];
      if (body) {
        body.append(...rest.splice(0, 50).map((feature) => watched(feature)));
        idle(more);
      } else {
        document.body.dataset.ready = 'all';
      }
    };
    rest = () => {
      for (const [body, left] of ahead) {
        body.append(...left.splice(0).map((feature) => watched(feature)));
      }
    };
    document.body.dataset.ready = 'first';
    idle(more);
  };
  let rest = () => {};
  const watched = (feature) => {
    const row = rowOf(feature);
    if (row.holder.dataset.look !== lookNow()) {
      watcher.observe(row.holder);
    }
    return row.whole;
  };
  const redraw = () => {
    for (const [feature, row] of made) {
      watcher.unobserve(row.holder);
      watcher.observe(row.holder);
      if (!row.detail.hidden) {
        charts(feature, row.detail.querySelector('.charts'));
      }
    }
  };
  const makeTables = () => {
    const place = byId('tables');
    for (const table of tables) {
      if (!features.some((feature) => feature.kind === table.kind)) {
        continue;
      }
      const heads = [{ key: 'name', name: 'Feature', title: 'Name and type' }, null, ...table.columns].map((column) => {
        if (!column) {
          return el('div', { role: 'columnheader', class: 'head' }, 'Distribution');
        }
        const button = el('button', { type: 'button', 'data-key': column.key, title: column.title }, column.name);
        button.addEventListener('click', () => {
          sortBy(column.key, state.sort === column.key ? !state.down : column.key !== 'name' && !column.text);
        });
        return el('div', { role: 'columnheader', class: column.key === 'name' || column.text ? 'head' : 'head num' }, button);
      });
      const title = { number: 'Numbers', string: 'Strings', other: 'Others' }[table.kind];
      const head = el('h3', {}, `${title} `, el('span', { class: 'count quiet' }, ''));
      const grid = el('div', { class: `grid of-${table.kind}`, role: 'table', 'aria-label': title }, el('div', { class: 'row heads', role: 'row' }, ...heads), el('div', { class: 'body' }));
      grid.style.setProperty('--columns', table.columns.length);
      place.append(el('div', { id: `features-${table.kind}`, class: 'kind-of' }, head, grid));
    }
  };
  const sortBy = (key, down) => {
    state.sort = key;
    state.down = down;
    const select = byId('sort');
    select.value = [...select.options].some((option) => option.value === key) ? key : '';
    arrange();
  };

  // An opened feature: charts by Vega-Lite, all its numbers, and the schema with its reasons.
  const fill = (feature, detail) => {
    const holder = el('div', { class: 'charts' });
    const side = el('div', { class: 'numbers' }, numbersOf(feature));
    detail.replaceChildren(holder, side);
    if (feature.schema) {
      side.append(schemaOf(feature.schema));
    }
    charts(feature, holder);
  };
  const numbersOf = (feature) => {
    const head = el('tr', {}, el('td'));
    datasets.forEach((dataset, place) => head.append(el('th', { class: 'num', scope: 'col' }, el('span', { class: `dot ${series(place)}` }), el('bdi', {}, dataset.name))));
    const body = el('tbody');
    for (const key of report.facts) {
      const { name, unit } = report.figures[key];
      const show = BY_UNIT[unit][1];
      if (feature.data.some((data) => data && data[key] !== undefined)) {
        body.append(el('tr', {}, el('th', { scope: 'row' }, name), ...feature.data.map((data) => el('td', { class: 'num' }, data ? about(key, data) + show(data[key]) : '–'))));
      }
    }
    if (feature.data.some((data) => data && data.valency[2] > 1)) {
      const text = (data) => (data ? `${number(data.valency[0])} – ${number(data.valency[2])}, mean ${number(data.valency[1])}` : '–');
      body.append(el('tr', {}, el('th', { scope: 'row' }, 'Values a row'), ...feature.data.map((data) => el('td', { class: 'num' }, text(data)))));
    }
    const table = el('table', { class: 'plain' }, el('thead', {}, head), body);
    const parts = [el('div', { class: 'scroll' }, table)];
    if (feature.linf !== null) {
      parts.push(el('p', { class: 'quiet' }, `L-infinity ${distance(feature.linf)}, Jensen-Shannon ${distance(feature.jsd)} (${report.pairs.join('; ')}${report.pairs.length > 1 ? ': the largest' : ''}); non-uniformity ${distance(feature.largest.uneven)}`));
    } else {
      parts.push(el('p', { class: 'quiet' }, `Non-uniformity ${distance(feature.largest.uneven)}`));
    }
    return el('div', {}, ...parts);
  };
  const schemaOf = (schema) => {
    const list = el('dl', { class: 'notes' });
    for (const [what, says, why] of schema.notes) {
      list.append(el('dt', {}, what), el('dd', {}, el('strong', {}, el('bdi', {}, says)), el('span', { class: 'quiet' }, why ? ` – ${why}` : '')));
    }
    if (schema.values.length) {
      const words = el('p', { class: 'words' });
      schema.values.forEach((value) => words.append(el('bdi', { class: 'word' }, value || '(empty)'), ' '));
      if (schema.more) {
        words.append(`and ${whole.format(schema.more)} more`);
      }
      list.append(el('dt', {}, 'Strings'), el('dd', {}, words));
    }
    return el('div', {}, el('h4', {}, 'Schema'), list);
  };

  // Vega-Lite comes packed, and is unpacked when a feature is first opened.
  let loading = null;
  const library = () => {
    loading ||= (async () => {
      const packed = byId('vega').textContent.trim();
      const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
      const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
      const script = document.createElement('script');
      script.textContent = text;
      document.head.append(script);
      return window.vegaParts;
    })();
    return loading;
  };
  const colour = (name) => {
    const probe = el('span', { style: `color: var(--${name})` });
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const isDark = () => (document.documentElement.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  const colours = () => {
    const used = datasets.map((_, place) => colour(`series-${(place % 6) + 1}`));
    return { text: colour('text'), quiet: colour('quiet'), line: colour('line'), used };
  };
  const DASHES = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [4, 1], [1, 3]];
  const spec = (rows, layers, height) => {
    const look = colours();
    return {
      $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
      width: 'container',
      height,
      autosize: { type: 'fit-x', contains: 'padding' },
      background: 'transparent',
      data: { values: rows },
      ...layers(look),
      config: {
        font: getComputedStyle(document.body).fontFamily,
        view: { stroke: null },
        axis: {
          labelColor: look.quiet, titleColor: look.quiet, gridColor: look.line, domainColor: look.line, tickColor: look.line,
          labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal',
        },
      },
    };
  };
  const split = (look) => ({
    field: 'split', type: 'nominal', legend: null, sort: null,
    scale: { domain: datasets.map((dataset) => dataset.name), range: look.used },
  });
  const measure = () => {
    const log = state.scale === 'log';
    return { title: `${state.unit === 'share' ? 'Share' : 'Values'}${log ? ', logarithmic' : ''}`, format: log ? (state.unit === 'share' ? '.5~%' : '.3~s') : state.unit === 'share' ? '~%' : '~s', log };
  };
  const scaleOf = (values) => {
    const positive = values.filter((value) => value > 0);
    return state.scale === 'log' && positive.length ? { type: 'symlog', constant: Math.min(...positive) } : { type: 'linear' };
  };
  // A logarithmic axis is marked at powers of ten.
  const decades = (values) => {
    const sizes = values.map((value) => Math.abs(value)).filter((value) => value > 0);
    if (state.scale !== 'log' || !sizes.length) {
      return {};
    }
    const [low, high] = [Math.floor(Math.log10(Math.min(...sizes))), Math.ceil(Math.log10(Math.max(...sizes)))];
    const step = Math.ceil((high - low + 1) / 7);
    const marks = [0];
    for (let power = high; power >= low; power -= step) {
      marks.push(10 ** power, ...(values.some((value) => value < 0) ? [-(10 ** power)] : []));
    }
    return { values: marks };
  };
  const tip = (...pairs) => pairs.map(([field, title]) => ({ field, title, type: 'nominal' }));
  const histogramSpec = (feature) => {
    const { edges, parts } = histograms(feature);
    const rows = parts.flatMap((part) =>
      part.counts.map((count, i) => ({
        split: datasets[part.place].name, low: edges[i], high: edges[i + 1], y: perUnit(count, part.total),
        bucket: `${number(edges[i])} – ${number(edges[i + 1])}`, count: number(Math.round(count)), share: share(count / part.total),
      })),
    );
    const { title, format } = measure();
    const x = { type: 'quantitative', title: 'Value', scale: { zero: false, nice: false }, axis: { format: '~s', grid: false, labelOverlap: true, tickCount: 6 } };
    return spec(rows, (look) => steps(look, rows, x, title, format, [['split', 'Dataset'], ['bucket', 'Bucket'], ['count', 'About'], ['share', 'Share']]), 200);
  };
  // Light areas with their outlines: three of them over each other can still be told apart.
  const steps = (look, rows, x, title, format, tips) => {
    const y = { field: 'y', type: 'quantitative', title, stack: null, scale: scaleOf(rows.map((row) => row.y)), axis: { format, tickCount: 5, ...decades(rows.map((row) => row.y)) } };
    const ends = [];
    rows.forEach((row, i) => {
      const last = rows[i + 1]?.split !== row.split;
      ends.push({ split: row.split, at: row.low, y: row.y });
      if (last) {
        ends.push({ split: row.split, at: row.high, y: row.y });
      }
    });
    return {
      layer: [
        {
          mark: { type: 'rect', opacity: datasets.length > 1 ? 0.28 : 0.6 },
          encoding: { x: { field: 'low', ...x }, x2: { field: 'high' }, y, y2: { datum: 0 }, color: split(look), tooltip: tip(...tips) },
        },
        {
          data: { values: ends },
          mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.75, tooltip: null },
          encoding: { x: { field: 'at', ...x }, y, color: split(look), detail: { field: 'split' } },
        },
      ],
    };
  };
  const quantileSpec = (feature) => {
    const rows = quantilesOf(feature).flatMap((line) =>
      line.points.filter((point) => isNumber(point.value)).map((point) => ({
        split: datasets[line.place].name, value: point.value, y: perUnit(point.below, line.total),
        at: number(point.value), below: share(point.below / line.total),
      })),
    );
    const { format } = measure();
    const values = rows.map((row) => Math.abs(row.value));
    const log = state.scale === 'log';
    const constant = Math.max(...values) / 1000 || 1;
    return spec(rows, (look) => ({
      mark: { type: 'line', point: { size: 30 }, strokeWidth: 2, interpolate: 'linear' },
      encoding: {
        x: {
          field: 'value', type: 'quantitative', title: `Value${log ? ', logarithmic' : ''}`, axis: { format: log ? '.3~s' : '~s', grid: false, labelOverlap: true, tickCount: 6, ...decades(rows.map((row) => row.value).filter((value) => Math.abs(value) >= constant)) },
          scale: log ? { type: 'symlog', constant } : { zero: false, nice: false },
        },
        y: { field: 'y', type: 'quantitative', title: state.unit === 'share' ? 'Share of values up to here' : 'Values up to here', axis: { format, tickCount: 5 } },
        order: { field: 'y', type: 'quantitative' },
        color: split(look),
        strokeDash: { field: 'split', type: 'nominal', legend: null, scale: { domain: datasets.map((dataset) => dataset.name), range: datasets.map((_, i) => DASHES[i % 6]) } },
        tooltip: tip(['split', 'Dataset'], ['at', 'Value'], ['below', 'Values up to here']),
      },
    }), 200);
  };
  const topSpec = (feature) => {
    const labels = labelsOf(feature, 12);
    const rows = drawn(feature).flatMap(({ data, place }) => {
      const counts = new Map(data.top || []);
      return labels.map((label, rank) => {
        const count = counts.get(label) || 0;
        return { split: datasets[place].name, rank, label: shorter(label), full: label, y: perUnit(count, data.values), count: number(count), share: share(count / data.values) };
      });
    });
    const { title, format } = measure();
    const names = labels.map((label) => shorter(label));
    const unique = names.map((name, i) => (names.indexOf(name) === i ? name : `${name} #${i + 1}`));
    rows.forEach((row) => {
      row.label = unique[row.rank];
    });
    const parts = new Set(rows.map((row) => row.split)).size;
    return spec(rows, (look) => ({
      mark: { type: 'bar' },
      encoding: {
        y: { field: 'label', type: 'nominal', title: null, sort: unique, axis: { labelLimit: 170, ticks: false, domain: false, labelColor: look.text }, scale: { paddingInner: 0.25 } },
        yOffset: { field: 'split', sort: datasets.map((dataset) => dataset.name) },
        x: { field: 'y', type: 'quantitative', title, scale: scaleOf(rows.map((row) => row.y)), axis: { format, tickCount: 5, ...decades(rows.map((row) => row.y)) } },
        color: split(look),
        tooltip: tip(['full', 'Value'], ['split', 'Dataset'], ['count', 'Values'], ['share', 'Share']),
      },
    }), Math.max(labels.length * (8 + 11 * parts), 60));
  };
  const shorter = (label) => {
    const line = label === '' ? '(empty)' : label.replace(/\s+/gu, ' ');
    return line.length > 40 ? `${line.slice(0, 39)}…` : line;
  };
  const lengthSpec = (feature) => {
    const rows = drawn(feature).filter(({ data }) => data.lengths).flatMap(({ data, place }) => {
      const { edges, counts } = data.lengths;
      const total = counts.reduce((sum, count) => sum + count, 0);
      return counts.map((count, i) => ({
        split: datasets[place].name, low: edges[i] - 0.5, high: edges[i + 1] - 0.5, y: perUnit(count, total),
        bucket: edges[i + 1] - edges[i] > 1 ? `${edges[i]} – ${edges[i + 1] - 1}` : `${edges[i]}`, count: number(count), share: share(count / total),
      }));
    });
    const { title, format } = measure();
    const x = { type: 'quantitative', title: 'Length in characters', scale: { zero: false, nice: false }, axis: { grid: false, tickMinStep: 1, format: '~s' } };
    return spec(rows, (look) => steps(look, rows, x, title, format, [['split', 'Dataset'], ['bucket', 'Length'], ['count', 'Values'], ['share', 'Share']]), 100);
  };
  const figures = (feature) => {
    if (feature.kind === 'number' && drawn(feature).some(({ data }) => data.standard || data.quantiles)) {
      const both = [];
      if (drawn(feature).some(({ data }) => data.standard)) {
        both.push(['Histogram', histogramSpec(feature), feature.common ? 'on common buckets, made of both kinds of TFDV’s' : '']);
      }
      if (drawn(feature).some(({ data }) => data.quantiles)) {
        both.push(['Quantiles', quantileSpec(feature), 'a point for each tenth of the values']);
      }
      return state.histogram === 'quantiles' ? both.reverse() : both;
    }
    if (feature.kind === 'string' && drawn(feature).some(({ data }) => data.top?.length)) {
      const all = drawn(feature).every(({ data }) => data.allLengths);
      return [
        ['Most common values', topSpec(feature), ''],
        ['Lengths', lengthSpec(feature), all ? '' : 'of the values that the statistics list'],
      ];
    }
    return [];
  };
  const charts = async (feature, holder) => {
    const drawnNow = figures(feature);
    if (!drawnNow.length) {
      holder.replaceChildren(el('p', { class: 'quiet' }, 'There are no values to draw.'));
      return;
    }
    const places = drawnNow.map(([title, , note]) => {
      const place = el('div', { class: 'chart' });
      return [el('figure', {}, el('figcaption', {}, title, ' ', el('span', { class: 'quiet' }, note)), place), place];
    });
    holder.style.minHeight = `${holder.offsetHeight}px`;
    holder.replaceChildren(...places.map(([figure]) => figure));
    try {
      const { vegaEmbed } = await library();
      await Promise.all(
        places.map(([, place], i) => vegaEmbed(place, drawnNow[i][1], { actions: false, renderer: 'svg', ast: true, tooltip: { theme: isDark() ? 'dark' : 'light' }, loader: { load: () => Promise.reject(new Error('nothing is loaded')) } })),
      );
      holder.dataset.drawn = 'yes';
    } catch (error) {
      holder.replaceChildren(el('p', { class: 'bad' }, `The chart could not be drawn: ${error.message}`));
      console.error(error);
    }
    holder.style.minHeight = '';
  };

  // Controls.
  if (features.length) {
    makeTables();
    byId('filter').addEventListener('input', arrange);
    document.querySelectorAll('a[data-feature]').forEach((link) => link.addEventListener('click', () => {
      const feature = features.find((each) => each.name === link.dataset.feature);
      if (feature) {
        byId('filter').value = feature.name;
        arrange();
        const { name, detail } = rowOf(feature);
        if (detail.hidden) {
          toggle(feature, name, detail);
        }
      }
    }));
    document.querySelectorAll('input[name="kind"]').forEach((box) => box.addEventListener('change', arrange));
    byId('sort').addEventListener('change', (event) => sortBy(event.target.value, !['order', 'name'].includes(event.target.value)));
    for (const name of look) {
      byId(name).addEventListener('change', (event) => {
        state[name] = event.target.value;
        redraw();
      });
    }
    document.addEventListener('theme', () => {
      for (const [feature, row] of made) {
        if (!row.detail.hidden) {
          charts(feature, row.detail.querySelector('.charts'));
        }
      }
    });
    addEventListener('beforeprint', () => {
      rest();
      for (const row of made.values()) {
        if (row.whole.isConnected) {
          drawIfOld(row.holder);
        }
      }
    });
    byId('tables').addEventListener('keydown', (event) => {
      if (!['ArrowDown', 'ArrowUp'].includes(event.key) || !event.target.classList.contains('open')) {
        return;
      }
      const all = [...byId('tables').querySelectorAll('button.open')];
      const next = all[all.indexOf(event.target) + (event.key === 'ArrowDown' ? 1 : -1)];
      if (next) {
        event.preventDefault();
        next.focus();
      }
    });
    sortBy(state.sort, state.down);
  } else {
    document.body.dataset.ready = 'all';
  }

  // Lineage: a node shows what is recorded of it.
  for (const link of document.querySelectorAll('.lineage a[data-node]')) {
    link.addEventListener('click', (event) => {
      event.preventDefault();
      const lineage = link.closest('.lineage');
      lineage.querySelectorAll('.node-facts').forEach((panel) => panel.classList.toggle('chosen', panel.id === link.dataset.node));
      lineage.querySelectorAll('a[data-node]').forEach((each) => each.setAttribute('aria-pressed', String(each === link)));
      lineage.querySelector('.hint')?.remove();
      if (matchMedia('(max-width: 60rem)').matches) {
        byId(link.dataset.node).scrollIntoView({ block: 'nearest' });
      }
    });
    link.addEventListener('keydown', (event) => {
      if (event.key === ' ') {
        event.preventDefault();
        link.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
      }
    });
  }
})();
