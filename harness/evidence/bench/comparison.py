"""What got slower since an earlier run, by more than noise."""

from evidence.bench import figures

LEAST = 0.01  # part of a figure: bytes do not vary from one repetition to the next


def slower(old, new):
    """[(name, old median, new median)] of the figures that grew, the worst first.

    Grown is what is above the old run by more than the spread of both runs: then even the best repetition of the new run is
    worse than the worst of the old one, with room for a run that was noisy. Growth below LEAST is never reported.
    """
    found = []
    for name in sorted(set(old) & set(new)):
        before, now = figures.median(old[name]), figures.median(new[name])
        noise = (max(old[name]) - min(old[name])) + (max(new[name]) - min(new[name]))
        if now - before > max(noise, LEAST * before):
            found.append((name, before, now))
    return sorted(found, key=lambda row: row[1] / row[2])


def report(old_machine, old, machine, new):
    """(the lines to print, whether something of ours got slower)."""
    rows = slower(old, new)
    ours = [row for row in rows if figures.is_ours(row[0])]
    peers = [name for name in set(old) & set(new) if not figures.is_ours(name) and figures.is_time(name)]
    lines = []
    if old_machine != machine:
        lines.append(f"the earlier run was made on another machine: {old_machine}")
    if not set(old) & set(new):
        lines.append("the two runs have no figure in common")
    for name, before, now in ours:
        lines.append(f"slower: {name}: {before:.4g} -> {now:.4g} ({now / before:.2f} times; spread of the repetitions "
                     f"{figures.spread(old[name]):.0%} and {figures.spread(new[name]):.0%})" if before else
                     f"slower: {name}: 0 -> {now:.4g}")
    lines.append(f"{len(ours)} of {len([n for n in set(old) & set(new) if figures.is_ours(n)])} figures of afterleak are worse by more than noise")
    if peers:
        drift = figures.median([figures.median(new[name]) / figures.median(old[name]) for name in peers])
        lines.append(f"the peers, whose code is the same, take {drift:.2f} times as long as in the earlier run")
    missing = sorted(name for name in set(old) - set(new) if figures.is_ours(name))
    if missing:
        lines.append(f"not measured now: {', '.join(missing)}")
    return lines, bool(ours)
