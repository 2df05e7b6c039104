import SluiceConfiguration

/// Reads `text` as the file `c.yaml`.
func read(_ text: String, _ environment: [String: String] = [:]) throws(ConfigurationErrors) -> Configuration {
    try Configuration.read(Array(text.utf8), file: "c.yaml", environment: environment)
}

/// What is reported about `text`, one error a line.
func complaints(_ text: String, _ environment: [String: String] = [:]) -> [String] {
    do throws(ConfigurationErrors) {
        _ = try read(text, environment)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}
