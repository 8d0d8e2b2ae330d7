"""What scripts/workshop takes."""

from evidence.common.command_line import Parser
from evidence.common.words import Refused

ABOUT = """Learn to find leaked timers by mending them: eighteen exercises, no network.

  start                    make the work folder, build what the checks need
  (nothing)                go on where you were: watch mode on a terminal
  watch                    check whenever you save; keys: h n s e r l c ? q
  check [NAME] [--all]     check once: exit code 0 passed, 1 not yet
  hint [NAME]              the next hint: the symptom, the tool to run, the fix
  next                     go to the next exercise, when this one has passed
  skip                     leave this one for later
  list, progress           how far you are
  solution [NAME]          the reference, after passing; --peek: before
  reset [NAME] [--all]     the file as it was handed out; yours goes to backup/
  go                       a page for those who know C++, and not Go
  doctor                   what is missing, and how to get it
  progress --export FILE   your progress, as JSON
  progress --class FILE... a table of a room, from such files
  --instructor             the schedules, and for each exercise what to ask

  --dir DIR                the work folder (./workshop in the repository)
  --name NAME              your name, for --export
  --short                  with start: the exercises of 90 minutes come first

Exit code: 0 done, 1 an exercise has not passed, 2 it could not run.
"""
VERBS = ["start", "list", "next", "hint", "check", "watch", "reset", "skip", "solution", "go", "doctor", "progress"]


def parse(arguments):
    parser = Parser(prog="workshop", add_help=False)
    parser.add_argument("verb", nargs="?", default="")
    parser.add_argument("exercise", nargs="?")
    parser.add_argument("--dir")
    parser.add_argument("--name")
    for flag in ("--help", "-h", "--all", "--peek", "--instructor", "--short"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--export", metavar="FILE")
    parser.add_argument("--class", dest="room", nargs="+", metavar="FILE")
    try:
        args = parser.parse_intermixed_args(arguments)
    except Refused as refused:
        raise Refused(f"{refused}; --help lists what it takes") from None
    if args.verb and args.verb not in VERBS:
        raise Refused(f"unknown command {args.verb}; one of: {', '.join(VERBS)}")
    for flag, verbs in (("all", ["reset", "check"]), ("peek", ["solution"]), ("export", ["progress"]), ("room", ["progress"]),
                        ("name", ["start", "", "progress"]), ("short", ["start", ""])):
        if getattr(args, flag) and args.verb not in verbs:
            raise Refused(f"--{flag.replace('room', 'class')} belongs to the command {verbs[0]}; --help lists what it takes")
    if args.exercise and args.verb not in ("hint", "check", "watch", "reset", "solution"):
        raise Refused(f"{args.verb} takes no {args.exercise}; --help lists what it takes")
    if args.exercise and args.all:
        raise Refused(f"--all or {args.exercise}, and not both; {args.verb} --all takes every file")
    if args.name and args.verb == "progress" and not args.export:
        raise Refused("--name goes with progress --export FILE; start --name sets it for good")
    return args
