/// The page to look at: its files, which are part of the program.
///
/// The files are plain HTML, CSS and JavaScript modules; nothing is built of them, and nothing comes from elsewhere.
package enum Dashboard {
    /// One file.
    package struct File: Sendable {
        /// Its name under `/assets/`, `index.html` for the page itself.
        package let name: String
        /// What browsers are told that it is.
        package let type: String
        /// Its bytes.
        package let bytes: [UInt8]
    }

    private static let script = "text/javascript; charset=utf-8"

    /// Every file.
    package static let files: [File] = [
        File(name: "index.html", type: "text/html; charset=utf-8", bytes: PackageResources.index_html),
        File(name: "style.css", type: "text/css; charset=utf-8", bytes: PackageResources.style_css),
        File(name: "app.js", type: script, bytes: PackageResources.app_js),
        File(name: "configuration.js", type: script, bytes: PackageResources.configuration_js),
        File(name: "devices.js", type: script, bytes: PackageResources.devices_js),
        File(name: "dom.js", type: script, bytes: PackageResources.dom_js),
        File(name: "groups.js", type: script, bytes: PackageResources.groups_js),
        File(name: "overview.js", type: script, bytes: PackageResources.overview_js),
        File(name: "plot.js", type: script, bytes: PackageResources.plot_js),
        File(name: "publish.js", type: script, bytes: PackageResources.publish_js),
        File(name: "refusals.js", type: script, bytes: PackageResources.refusals_js),
        File(name: "streams.js", type: script, bytes: PackageResources.streams_js),
        File(name: "tail.js", type: script, bytes: PackageResources.tail_js),
    ]
}
