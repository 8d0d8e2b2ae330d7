"""Reads a profile.proto (github.com/google/pprof), by the numbers of its fields."""

import gzip


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """Of a message: lists of integers and bytes, by number."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length, "it is cut off"
        else:
            raise ValueError(f"wire type {key & 7}")
        found.setdefault(key >> 3, []).append(value)
    return found


def packed(data):
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


class Profile:
    """samples: (kind, [(function, file, line), ...] innermost first, {type: value}). mappings: (path, build id), the program's first."""

    def __init__(self, path):
        top = fields(gzip.decompress(path.read_bytes()))
        self.strings = [text.decode() for text in top[6]]
        types = [self.strings[fields(each)[1][0]] for each in top[1]]
        functions = {one[1][0]: one for one in map(fields, top.get(5, []))}
        locations = {one[1][0]: one for one in map(fields, top.get(4, []))}
        self.mappings = [(self.name(one, 5), self.name(one, 6)) for one in map(fields, top.get(3, []))]
        self.ranges = {one[1][0]: range(one[2][0], one[3][0]) for one in map(fields, top.get(3, []))}
        self.addresses = [(one[3][0], one.get(2, [0])[0]) for one in locations.values()]
        self.default = self.strings[top[14][0]]
        self.comments = [self.strings[number] for number in packed(top[13][0])]
        self.nanoseconds = top[10][0]
        self.samples = []
        for one in map(fields, top.get(2, [])):
            frames = []
            for location in packed(one[1][0]):
                for line in map(fields, locations[location].get(4, [])):
                    function = functions[line[1][0]]
                    frames.append((self.name(function, 2), self.name(function, 4), line.get(2, [0])[0]))
            label = fields(one[3][0])
            assert self.name(label, 1) == "kind"
            self.samples.append((self.name(label, 2), frames, dict(zip(types, packed(one[2][0])))))

    def name(self, message, field):
        return self.strings[message.get(field, [0])[0]]
