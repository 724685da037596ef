"""The first command on a bare machine: `python3 -m microgrid.bootstrap demo`, or `test`.

It needs Python and pip and nothing else. What it installs lives in `.venv` beside this project; system
packages are added only for root, only where missing, and are announced first. Both commands may be repeated.

This file alone must also run on a Python too old for the rest, so that it can say so: it imports the rest of
the story only after it has looked at the version.
"""

import argparse
import sys

OLDEST_PYTHON = (3, 11)
INTERRUPTED = 130  # what a shell reports for a program stopped by Ctrl-C
MISSING_ON_MACHINE = 3


def main() -> int:
    """Run the command that was typed and return its exit code."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        print(_too_old(), file=sys.stderr)
        return MISSING_ON_MACHINE
    arguments = parser().parse_args()
    from microgrid import first_run
    from microgrid.errors import MicrogridError

    first_run.prepare_this_process()
    try:
        if arguments.command == "demo":
            return first_run.demo(first_run.PROJECT)
        return first_run.test(first_run.PROJECT, long=arguments.long, system=not arguments.no_system)
    except MicrogridError as error:
        print("\n" + str(error), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


def _too_old() -> str:
    found = ".".join(str(part) for part in sys.version_info[:3])
    needed = ".".join(str(part) for part in OLDEST_PYTHON)
    return (
        f"MG-E050: Python {found} is too old for microgrid\n"
        f"   why: it needs Python {needed} or newer; nothing was written\n"
        f"   fix: start it with a newer one, such as  python{needed} -m microgrid.bootstrap demo"
    )


def parser() -> argparse.ArgumentParser:
    """Return what can be typed after `python3 -m microgrid.bootstrap`."""
    words = argparse.ArgumentParser(prog="python3 -m microgrid.bootstrap", description="First run.")
    commands = words.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="size the sample village and write its report")
    test = commands.add_parser("test", help="run every check and test this machine can run")
    test.add_argument("--long", action="store_true", help="run the full counts too")
    for command in (demo, test):
        command.add_argument("--no-system", action="store_true", help="never install a system package")
    return words


if __name__ == "__main__":
    sys.exit(main())
