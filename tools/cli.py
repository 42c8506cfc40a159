"""`sensornett`: one command for each wish, each in tools/<name>_command.py, imported when asked for.

A command module has `app`, a Typer. Exit status: 0 ok, 1 failed, 2 usage, 3 configuration, 4 no device,
5 verification failed, 6 network; 130 after Ctrl-C.
"""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec

import typer

from device_configs.problem import ConfigError
from tools import completion

FAILED, CONFIGURATION, NETWORK, INTERRUPTED = 1, 3, 6, 130
TRACEBACK = "SENSORNETT_TRACEBACK"  # set in the environment, errors of the program itself are shown in full

# Listed without importing anything; those whose module is not there are left out.
COMMANDS = {
    "check": "Check a site's configuration and say what is wrong, and where.",
    "site": "Start the configuration of another municipality.",
    "gateway": "Receive, store and acknowledge the nodes' records.",
    "sync": "Bring stored records to InfluxDB.",
    "node": "Flash, provision and commission nodes.",
    "update": "Build, sign and roll out new programs for nodes.",
    "alerts": "See, acknowledge and shelve alerts.",
    "energy": "Look into buildings' consumption.",
    "ledger": "Account for every record: measured, stored, synced, lost.",
    "publish": "Publish open data.",
    "watch": "From a second machine: page people when the gateway has been silent.",
    "inspect": "Record a round to a grate.",
    "rig": "Run the test bench.",
    "doctor": "Find out what is wrong with an installation.",
}


def module_of(name: str) -> str:
    return f"tools.{name}_command"


def installed() -> list[str]:
    """Return the names of the commands this installation has."""
    return [name for name in COMMANDS if find_spec(module_of(name)) is not None]


def build(wanted: str | None) -> typer.Typer:
    """Return the whole command line, of which only the wanted command is imported and can run."""
    app = typer.Typer(
        name="sensornett",
        help="Snow, stream-intake and building-energy sensors for a municipality.",
        epilog="Every command takes --help. What people read goes to stderr, --json to stdout.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )

    # Makes the app a group even while it has a single command.
    @app.callback()
    def sensornett() -> None: ...

    for name in installed():
        if name == wanted:
            _mount(app, name)
        else:
            app.command(name, help=COMMANDS[name])(_not_imported)
    return app


def _not_imported() -> None:
    """Stands for the commands that are only listed."""


def _mount(app: typer.Typer, name: str) -> None:
    command: typer.Typer = importlib.import_module(module_of(name)).app
    single = len(command.registered_commands) == 1 and not command.registered_groups
    if single and command.registered_callback is None:
        (only,) = command.registered_commands
        assert only.callback is not None
        app.command(name, help=only.help)(only.callback)
    else:
        app.add_typer(command, name=name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return the exit status. Nobody ever sees a traceback unasked."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return status


def _run(words: list[str]) -> int:
    asked = completion.typed()
    wanted = next((word for word in (words if asked is None else asked) if not word.startswith("-")), None)
    try:
        typer.main.get_command(build(wanted)).main(args=words, prog_name="sensornett")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED if end.code else 0
    except ConfigError as error:
        tell_problems(error, as_json="--json" in words)
        return CONFIGURATION
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except (ConnectionError, TimeoutError) as error:
        _tell(f"network: {str(error) or type(error).__name__}")
        return NETWORK
    except OSError as error:
        _tell(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ImportError as error:
        _tell(f"a part of the installation is missing: {error}\nSet it up again from the project's folder.")
    except Exception as error:  # a fault of the program: told in one line, the rest on request
        if os.environ.get(TRACEBACK):
            raise
        _tell(
            f"this should not have happened: {type(error).__name__}: {error}\n"
            f"Run it again with {TRACEBACK}=1 for the details, and report them."
        )
    return FAILED


def tell_problems(error: ConfigError, *, as_json: bool) -> None:
    """Print every problem of a configuration for people and, if asked for, one JSON object."""
    for problem in error.problems:
        _tell(problem.pretty())
    _tell(f"{len(error.problems)} {'problem' if len(error.problems) == 1 else 'problems'}")
    if as_json:
        typer.echo(json.dumps({"ok": False, "problems": [problem.as_json() for problem in error.problems]}))


def _tell(text: str) -> None:
    typer.echo(text, err=True)


if __name__ == "__main__":
    sys.exit(main())
