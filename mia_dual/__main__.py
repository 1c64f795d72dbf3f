"""``python -m mia_dual`` is ``mia-dual``."""

from mia_dual.stopping import PROCESS


def main() -> None:
    """Run the command line as all there is of this process."""
    PROCESS.listen()
    # Not before, since it takes a moment.
    from mia_dual.cli.app import main as run_app

    run_app()


if __name__ == "__main__":
    main()
