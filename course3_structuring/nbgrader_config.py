import os

c = get_config()  # noqa: F821 - nbgrader defines it
load_subconfig("../nbgrader_config.py", path=os.path.dirname(os.path.abspath(__file__)))  # noqa: F821
c.CourseDirectory.course_id = "course3_structuring"
