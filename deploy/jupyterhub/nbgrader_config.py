"""nbgrader's exchange on the hub, for learners and instructors: one folder per course, at both ends."""

import os

c = get_config()  # noqa: F821 - nbgrader defines it
c.Exchange.root = os.path.join(os.environ["HUB"], "exchange")
c.Exchange.path_includes_course = True
