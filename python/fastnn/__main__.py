"""`python -m fastnn`: what is installed, how fast it is here, and that it learns."""

from fastnn.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
