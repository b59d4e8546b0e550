"""A metric's points for a chart: as many as a chart can show, whatever the run logs."""

# So many buckets a series has at most; each is drawn as its lowest and its highest point.
BUCKETS = 200


def number(value):
    """A value that can be drawn, as a float; None for text, None, NaN and infinity."""
    if isinstance(value, (int, float)):
        value = float(value)
        if value - value == 0.0:
            return value
    return None


class Series(object):
    """The values of one column, in order. Memory does not grow with their number: neighbours are merged, extremes stay."""

    def __init__(self, name):
        self.name = name
        self.count = 0
        self.last = None
        self.is_numeric = True
        self._width = 1  # points in a bucket
        self._in_last = 0  # points in the last one
        self._buckets = []  # each (lowest, highest) as (x, y); a lone point is both
        self._last_point = None

    def add(self, step, value):
        """The next value. `step`: where the script says it belongs; otherwise its place in the series."""
        x = float(self.count) if step is None else float(step)
        self.count += 1
        self.last = value
        if isinstance(value, str):
            self.is_numeric = False
        y = number(value)
        if y is None:
            return
        point = self._last_point = (x, y)
        if self._buckets and self._in_last < self._width:
            low, high = self._buckets[-1]
            self._buckets[-1] = (point if y < low[1] else low, point if y > high[1] else high)
            self._in_last += 1
            return
        if len(self._buckets) >= BUCKETS:
            self._merge()
        self._buckets.append((point, point))
        self._in_last = 1

    def _merge(self):
        """Half as many buckets, each twice as wide."""
        merged = []
        for index in range(0, len(self._buckets), 2):
            pair = self._buckets[index : index + 2]
            merged.append((min((low for low, _ in pair), key=_height), max((high for _, high in pair), key=_height)))
        self._buckets = merged
        self._width *= 2

    def points(self):
        """[[x, y]] in the order they were logged."""
        found = []
        for low, high in self._buckets:
            for x, y in sorted({low, high}):
                found.append([x, y])
        if self._last_point is not None and found[-1] != list(self._last_point):
            found.append(list(self._last_point))
        return found


def _height(point):
    return point[1]
