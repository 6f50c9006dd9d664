"""The wheel holds the configuration and the schemas too, which lie outside of the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("config", "workflow/schemas")


class WithConfiguration(build_py):
    """Builds the package with copies of `FOLDERS` below `lethe/project`."""

    def run(self) -> None:
        super().run()
        for folder in () if self.editable_mode else FOLDERS:
            place = Path(self.build_lib, "lethe", "project", folder)
            shutil.copytree(folder, place, dirs_exist_ok=True)


setup(cmdclass={"build_py": WithConfiguration})
