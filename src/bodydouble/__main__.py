"""`python -m bodydouble` is the command `bodydouble`."""

from bodydouble.cli import main

main()
