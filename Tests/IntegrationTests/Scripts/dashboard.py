"""Looks at every page of the dashboard in a headless Chromium, does what a person does there, and checks what axe would.

Usage: dashboard.py URL MQTT_PORT [SCREENSHOT_DIRECTORY]. Prints a line for each thing that holds; exits with 1 at the first that does not.
"""
import json
import os
import re
import subprocess
import sys
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

url, port = sys.argv[1], sys.argv[2]
shots = sys.argv[3] if len(sys.argv) > 3 else None

options = webdriver.ChromeOptions()
for flag in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"]:
    options.add_argument(flag)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
options.binary_location = "/usr/bin/chromium"
browser = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
browser.set_page_load_timeout(120)
browser.set_script_timeout(120)


def wait(what, body, seconds=120):
    """Waits until body is true; what it last was is said otherwise."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = body()
            if last:
                return last
        except Exception as error:  # An element may be replaced while it is looked at.
            last = error
        time.sleep(0.05)
    print(f"NOT: {what}: {last}\n{text()[:2000]}")
    finish(1)


def finish(code):
    browser.quit()
    sys.exit(code)


def text():
    try:
        return browser.find_element(By.TAG_NAME, "body").text
    except Exception as error:
        return f"({error})"


def main():
    return browser.find_element(By.ID, "main").text


def button(name):
    for element in browser.find_elements(By.TAG_NAME, "button"):
        if element.text == name:
            return element
    raise LookupError(f"no button '{name}'")


def control(label):
    for element in browser.find_elements(By.TAG_NAME, "label"):
        if element.text.split("\n")[0] == label:
            return element.find_element(By.CSS_SELECTOR, "input, select, textarea")
    raise LookupError(f"no field '{label}'")


def fill(label, value):
    element = control(label)
    element.clear()
    element.send_keys(value)


def publish(topic, payload):
    subprocess.run(["mosquitto_pub", "-p", port, "-q", "1", "-t", topic, "-m", payload], check=True)


def console():
    lines = [line for line in browser.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
    if lines:
        print(f"NOT: a quiet console: {lines}")
        finish(1)


ACCESSIBLE = r"""
const faults = [];
const visible = e => e.getClientRects().length > 0;
for (const e of document.querySelectorAll('input, select, textarea')) {
  if (visible(e) && !e.closest('label') && !e.getAttribute('aria-label')) faults.push('a field without a label');
}
for (const e of document.querySelectorAll('button, a')) {
  if (visible(e) && !e.textContent.trim() && !e.getAttribute('aria-label')) faults.push('a button or link without words');
}
for (const e of document.querySelectorAll('svg')) if (!e.getAttribute('aria-label')) faults.push('a picture without a label');
for (const e of document.querySelectorAll('table')) {
  if (!e.caption || ![...e.querySelectorAll('th')].every(h => h.scope)) faults.push('a table without a caption or scopes');
}
if (document.documentElement.lang !== 'en' || !document.title || document.querySelectorAll('h1').length !== 1) faults.push('language, title or heading');
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
if (new Set(ids).size !== ids.length) faults.push('an id twice');
const parse = c => (c.match(/[\d.]+/g) || []).map(Number);
const lum = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
const back = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
for (const e of document.querySelectorAll('body *')) {
  if (!visible(e) || e.closest('svg') || e.disabled || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  const [a, b] = [lum(parse(getComputedStyle(e).color)), lum(back(e))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)} of '${e.textContent.trim().slice(0, 30)}'`);
}
if (document.documentElement.scrollWidth > document.documentElement.clientWidth) faults.push(`wider than its window: ${document.documentElement.scrollWidth} of ${document.documentElement.clientWidth}`);
return faults;
"""


def axe_source():
    """axe itself, where Python has it (axe-core-python); else what is above stands for it."""
    try:
        import axe_core_python
    except ImportError:
        return None
    with open(os.path.join(os.path.dirname(axe_core_python.__file__), "axe.min.js")) as file:
        return file.read()


AXE = axe_source()


def axe_faults():
    """What axe finds: rules that are broken, with an element of each."""
    if AXE is None:
        return []
    # The page lets no script come from elsewhere; the driver's are beside it.
    browser.execute_script(AXE)
    found = browser.execute_async_script("const done = arguments[arguments.length - 1]; axe.run(document).then(r => done(r.violations.map(v => `${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`)), e => done([String(e)]));")
    return found


def look(name):
    """What axe says, in both themes and at the width of a telephone."""
    for width in (1280, 360):
        browser.set_window_size(width, 900)
        # A headless window may be wider than it is told to be: the page's own size is what counts.
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        for theme in ("light", "dark"):
            browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
            faults = browser.execute_script(ACCESSIBLE) + axe_faults()
            if faults:
                print(f"NOT: {name}, {width} px, {theme}: {faults}")
                finish(1)
            if shots and (width, theme) in ((1280, "light"), (360, "dark")):
                browser.save_screenshot(f"{shots}/{name}-{width}-{theme}.png")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.set_window_size(1280, 900)
    browser.execute_script("delete document.documentElement.dataset.theme")
    console()
    print(f"{name}: labels, contrast, widths, console" + (", axe" if AXE else ""))


def visit(page):
    browser.get(f"{url}/#/{page}")


# Overview: rates move while somebody publishes.
visit("overview")
wait("the overview has numbers", lambda: "Messages in" in main() and "Uptime" in main())
for number in range(20):
    publish(f"sensors/plant1/dev{number % 3}/temperature", json.dumps({"temperature": 20 + number / 10, "humidity": 50}))
publish("sensors/plant1/dev1/temperature", "nonsense")
wait("the overview counts", lambda: re.search(r"2[1-9] since the start", main()))
wait("it knows the devices", lambda: re.search(r"Devices\n3\n", main()))
look("overview")

# Devices: search, one device, its plot.
visit("devices")
wait("devices are listed", lambda: all(f"dev{number}" in main() for number in range(3)))
wait("readings are shown", lambda: "temperature" in main())
wait("curves are drawn", lambda: browser.find_elements(By.CSS_SELECTOR, "svg.spark .curve"))
fill("Search", "dev2")
wait("the search leaves one", lambda: "dev2" in main() and "dev1" not in main())
look("devices")
browser.find_element(By.LINK_TEXT, "dev2").click()
wait("a device's history is drawn", lambda: browser.find_elements(By.CSS_SELECTOR, "svg.plot .curve"))
wait("its fields can be chosen", lambda: {"temperature", "humidity"} <= {o.text for o in Select(control("Field")).options})
Select(control("Field")).select_by_visible_text("humidity")
wait("another field is drawn", lambda: "humidity" in browser.find_element(By.CSS_SELECTOR, "svg.plot").get_attribute("aria-label"))
Select(control("Time")).select_by_visible_text("15 minutes")
wait("another time is drawn", lambda: browser.find_elements(By.CSS_SELECTOR, "svg.plot .curve"))
look("device")

# Streams: the list, and records by position, key, filter and form.
visit("streams")
wait("streams are listed", lambda: "sensors" in main() and "fsync" in main())
look("streams")
browser.find_element(By.LINK_TEXT, "sensors").click()
wait("records are shown", lambda: "sensors/plant1/dev0/temperature" in main())
fill("Key", "dev1")
button("Read").click()
wait("a key chooses", lambda: "dev1/" in main() and "dev0/" not in main())
Select(control("Payload as")).select_by_visible_text("hex")
wait("a payload in hex", lambda: "7b 22 74 65" in main())
fill("From", "nonsense")
button("Read").click()
wait("a wrong position is named", lambda: "expected earliest" in browser.find_element(By.ID, "notice").text)
browser.get_log("browser")
fill("From", "-1h")
button("Read").click()
wait("and can be put right", lambda: not browser.find_element(By.ID, "notice").text and "dev1/" in main())
look("records")

# Publishing, and following what comes; by the keyboard alone.
visit("tail")
wait("streams can be chosen", lambda: control("Filter"))
Select(control("Stream")).select_by_visible_text("sensors")
control("Filter").send_keys("sensors/+/dev7/#" + Keys.ENTER)
wait("it follows", lambda: "following" in main())
publish("sensors/plant1/dev7/temperature", '{"temperature": 77}')
publish("sensors/plant1/dev8/temperature", '{"temperature": 88}')
publish("sensors/plant1/dev7/temperature", '{"temperature": 78}')
wait("what matches comes", lambda: '"temperature": 78' in main() and '"temperature": 77' in main())
if '"temperature": 88' in main():
    print("NOT: the filter holds")
    finish(1)
look("tail")
visit("publish")
wait("there is a form", lambda: control("Topic"))
control("Topic").send_keys("sensors/plant1/dev9/temperature", Keys.TAB, Keys.TAB)
fill("Payload", '{"temperature": 99}')
button("Publish").click()
wait("it is published", lambda: "it is on disk" in browser.find_element(By.ID, "notice").text)
look("publish")

# Groups: lag, a preview, and the move.
visit("groups")
wait("the group is listed", lambda: "readers" in main())
wait("its lag is known", lambda: browser.find_elements(By.CSS_SELECTOR, "svg.spark"))
wait("it can be moved", lambda: button("Move readers").click() or control("To"))
fill("To", "earliest")
button("Preview").click()
wait("a preview comes first", lambda: "Where readers would go on" in main())
button("Move readers there").click()
wait("it is moved", lambda: "readers was moved" in browser.find_element(By.ID, "notice").text)
look("groups")

# Refusals and dead letters.
visit("refusals")
wait("dead letters are shown by reason", lambda: "examine" in main() and "nonsense" in main())
name = next(element.text for element in browser.find_elements(By.TAG_NAME, "button") if element.text.startswith("examine"))
button(name).click()
wait("letters are examined", lambda: "letters" in browser.find_element(By.ID, "notice").text)
look("refusals")

# The configuration, and what becomes of a topic.
visit("configuration")
wait("the configuration is shown", lambda: '"streams"' in main())
control("Topic").send_keys("sensors/plant1/dev42/temperature" + Keys.ENTER)
wait("a topic is explained", lambda: '"dev42"' in main())
look("configuration")

# The keyboard: the first stop skips to the content, and the pages follow.
visit("overview")
wait("the page is there", lambda: "Uptime" in main())
browser.execute_script("document.activeElement.blur()")
body = browser.find_element(By.TAG_NAME, "body")
body.send_keys(Keys.TAB)
names = []
for _ in range(10):
    names.append(browser.switch_to.active_element.text)
    browser.switch_to.active_element.send_keys(Keys.TAB)
if names[:3] != ["Skip to content", "Overview", "Devices"] or "Configuration" not in names:
    print(f"NOT: the keyboard goes through the pages: {names}")
    finish(1)
print("keyboard")
button("Theme").click()
wait("the theme changes", lambda: browser.execute_script("return document.documentElement.dataset.theme"))
console()
print("all")
finish(0)
