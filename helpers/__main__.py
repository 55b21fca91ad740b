"""Let ``python -m helpers`` run the command line; `doctor` also where nothing is installed."""

import sys

if sys.argv[1:2] == ["doctor"]:
    from helpers import doctor

    doctor.main(sys.argv[2:])
else:
    from helpers.cli import main

    main()
