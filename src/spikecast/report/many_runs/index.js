// Filters and sorting of the index; the page reads the same without it.
const body = document.querySelector('#runs tbody');
const rows = [...body.rows];
const text = document.getElementById('text');
const selects = [...document.querySelectorAll('#filters select')];
const words = new Map(rows.map(row => [row, (row.textContent + ' ' + row.dataset.model).toLowerCase()]));

function filter() {
  const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    row.hidden = !(wanted.every(word => words.get(row).includes(word))
      && selects.every(s => !s.value || row.dataset[s.dataset.key].split('|').includes(s.value)));
    shown += !row.hidden;
  }
  document.getElementById('count').textContent = `${shown} of ${rows.length} shown`;
}

// numbers by size, words by name; scores within their metric only; what has no value comes last
const NUMBERS = ['when', 'score', 'duration'];
function compared(one, other, key, sign) {
  const a = one.dataset[key], b = other.dataset[key];
  if (!a || !b) return !a - !b;
  if (key === 'score' && one.dataset.metric !== other.dataset.metric)
    return one.dataset.metric.localeCompare(other.dataset.metric);
  return sign * (NUMBERS.includes(key) ? a - b : a.localeCompare(b, undefined, {numeric: true}));
}

function sort(button) {
  const head = button.closest('th'), key = button.dataset.sort;
  const before = button.dataset.order;
  const first = NUMBERS.includes(key) ? 'descending' : 'ascending';
  const order = !before ? first : before === 'ascending' ? 'descending' : 'ascending';
  document.querySelectorAll('#runs th').forEach(th => th.removeAttribute('aria-sort'));
  document.querySelectorAll('#runs button').forEach(b => delete b.dataset.order);
  head.setAttribute('aria-sort', order);
  button.dataset.order = order;
  rows.sort((one, other) => compared(one, other, key, order === 'ascending' ? 1 : -1));
  body.append(...rows);
}

text.addEventListener('input', filter);
selects.forEach(select => select.addEventListener('change', filter));
document.querySelectorAll('#runs th button').forEach(b => b.addEventListener('click', () => sort(b)));
filter(); // a browser may have kept what was typed before a reload
