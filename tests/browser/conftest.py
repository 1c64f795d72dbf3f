"""A real browser without a window: Debian's chromium, driven through its chromium-driver."""

import os
import shutil

import pytest

LOGGED = {"goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium with its console and its requests on record."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        missing = "chromium is not here: apt-get install chromium chromium-driver"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not here")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    for name, wanted in LOGGED.items():
        options.set_capability(name, wanted)
    service = webdriver.ChromeService(executable_path=driver)
    opened = webdriver.Chrome(options=options, service=service)
    yield opened
    opened.quit()
