"""The wheel holds the workflow, its configuration and manual too, which lie outside of it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("config", "docs", "envs", "profiles", "workflow/report", "workflow/rules")
FOLDERS += ("workflow/schemas",)
FILES = ("Snakefile",)


class WithConfiguration(build_py):
    """Builds the package with copies of `FOLDERS` and `FILES` below `lethe/project`."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        project = Path(self.build_lib, "lethe", "project")
        for folder in FOLDERS:
            shutil.copytree(folder, project / folder, dirs_exist_ok=True)
        for name in FILES:
            shutil.copy(name, project)


setup(cmdclass={"build_py": WithConfiguration})
