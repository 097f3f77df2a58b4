"""One module for each row of the table."""

from benchmarks.figures import Row
from benchmarks.rows.accounts import ACCOUNTS
from benchmarks.rows.groups import GROUPS
from benchmarks.rows.home import HOME
from benchmarks.rows.latency import LATENCY
from benchmarks.rows.linking import LINKING
from benchmarks.rows.memory import MEMORY
from benchmarks.rows.queue import QUEUE
from benchmarks.rows.scale import SCALE
from benchmarks.rows.start import START
from benchmarks.rows.throughput import THROUGHPUT

ROWS: tuple[Row, ...] = (LATENCY, HOME, THROUGHPUT, GROUPS, START, LINKING, MEMORY, ACCOUNTS, SCALE, QUEUE)
